/**
 * Keeps downloaded bytes for another time, under names of letters, digits, "/" and "-". A store may lose or refuse anything
 * (storage full, forbidden, cleared by the browser): it then answers with undefined, and the bytes are fetched again.
 */
export interface PartStore {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, bytes: Uint8Array): Promise<void>
  delete(key: string): Promise<void>
  /** All keys. */
  keys(): Promise<string[]>
}

/** A part of a large file; the last one is shorter. What a broken download had finished of them is not fetched again. */
export const PART_BYTES: number = 8 * 2 ** 20

/** The key of part `index` of the file with this SHA-256. */
export function partKey(sha256: string, index: number): string {
  return `files/${sha256}/${index}`
}

/** The index that `partKey` made a key of, or undefined for the key of another file or of none. */
export function partIndex(key: string, sha256: string): number | undefined {
  const [, file, index] = /^files\/(\w+)\/(\d+)$/.exec(key) ?? []
  return file === sha256 ? Number(index) : undefined
}

/** The key of a manifest, by its address. */
export function manifestKey(url: URL): string {
  return `manifests/${Array.from(new TextEncoder().encode(url.href), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** The address that `manifestKey` made a key of, or undefined for another key. */
export function manifestUrl(key: string): string | undefined {
  const [, hex] = /^manifests\/((?:[0-9a-f]{2})+)$/.exec(key) ?? []
  if (hex === undefined) return undefined
  return new TextDecoder().decode(Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)))
}
