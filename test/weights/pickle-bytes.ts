/** Pickles by hand: texts are one byte per character, numbers are bytes. */
export function pickleBytes(...parts: readonly (string | number | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === 'number') return [part]
      return typeof part === 'string' ? Array.from(part, (c) => c.charCodeAt(0)) : [...part]
    }),
  )
}

/** SHORT_BINUNICODE: a text of up to 255 bytes. */
export function textOf(value: string): Uint8Array {
  return pickleBytes(0x8c, value.length, value)
}

/** The end of a pickle that puts whatever is on the stack under "model" into a dict. */
export function asModel(inner: Uint8Array): Uint8Array {
  return pickleBytes('\x80\x04}', textOf('model'), inner, 's.')
}
