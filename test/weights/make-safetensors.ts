/** A safetensors file of any header, right or wrong. */
export function safetensors(header: unknown, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header)
  const head = header instanceof Uint8Array ? header : new TextEncoder().encode(text)
  const file = new Uint8Array(8 + head.length + data.length)
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true)
  file.set(head, 8)
  file.set(data, 8 + head.length)
  return file
}
