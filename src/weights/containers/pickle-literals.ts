import { invalidWeights } from '../stored-tensor.ts'

/** The texts that stand for numbers and strings in pickles of protocol 0, and the integers of the later ones. */

const MAX_INTEGER_BYTES = 32

/** A decimal integer; `L` may follow it. */
export function parseInteger(text: string): number | bigint {
  const digits = text.endsWith('L') ? text.slice(0, -1) : text
  if (!/^[+-]?\d{1,80}$/.test(digits)) throw invalidWeights(`a whole number in the pickle but received ${quote(text)}`)
  return narrow(BigInt(digits.replace('+', '')))
}

export function parseFloat64(text: string): number {
  const special: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity }
  const value = special[text] ?? Number(text)
  if (text.trim() === '' || (Number.isNaN(value) && text !== 'nan')) {
    throw invalidWeights(`a number in the pickle but received ${quote(text)}`)
  }
  return value
}

/** A Python 2 `str` in quotes. */
export function parseQuoted(text: string): string {
  const [, , inner] = /^(['"])(.*)\1$/s.exec(text) ?? []
  if (inner === undefined) throw invalidWeights(`a string in quotes in the pickle but received ${quote(text)}`)
  const simple: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' }
  return inner.replace(/\\(?:x([0-9a-f]{2})|(.))/gis, (whole, hex: string | undefined, letter: string | undefined) =>
    hex === undefined ? (simple[letter ?? ''] ?? whole) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Text in which other characters than latin-1's are written as `\uXXXX` or `\UXXXXXXXX`. */
export function parseRawUnicode(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})|\\U(00(?:0[0-9a-f]|10)[0-9a-f]{4})/gi, (_, short: string, long: string) =>
    String.fromCodePoint(Number.parseInt(short ?? long, 16)),
  )
}

/** Little-endian two's complement of any length; no bytes are 0. */
export function integerOfBytes(bytes: Uint8Array): number | bigint {
  if (bytes.length > MAX_INTEGER_BYTES) {
    throw invalidWeights(`integers of at most ${MAX_INTEGER_BYTES} bytes in the pickle but received ${bytes.length}`)
  }
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number)
  return narrow(BigInt.asIntN(bytes.length * 8, value))
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 40))
}
