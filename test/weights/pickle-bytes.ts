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

/** STACK_GLOBAL of a module and a name. */
export function named(module: string, name: string): Uint8Array {
  return pickleBytes(textOf(module), textOf(name), 0x93)
}

/** numpy.core.multiarray._reconstruct with the state of an array of this type. */
export function arrayOf(type: string, shape: number[], elements: string): Uint8Array {
  const dtype = pickleBytes(named('numpy', 'dtype'), textOf(type), 0x85, 'R')
  const sizes = pickleBytes('(', ...shape.map((size) => pickleBytes('K', size)), 't')
  return pickleBytes(named('numpy.core.multiarray', '_reconstruct'), ')R(K\x01', sizes, dtype, 0x89, elements, 'tb')
}
