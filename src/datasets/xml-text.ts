import { VertebraError } from '../errors.ts'

/**
 * The text of an XML file in the encoding that its byte order mark or its declaration names; UTF-8 without either.
 *
 * @throws VertebraError `DATA_INVALID` for an unknown encoding, or bytes that are none of it.
 */
export function xmlText(bytes: Uint8Array, file: string): string {
  const encoding = encodingOf(bytes)
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new VertebraError('DATA_INVALID', `Expected ${file} in ${encoding} but it cannot be decoded as that.`, {
      cause,
    })
  }
}

function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  // A declaration is ASCII, which Latin-1 reads whatever comes after it.
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 200))
  const declared = /^(?:ï»¿)?<\?xml[^>]*?\sencoding\s*=\s*["']([^"']+)/.exec(start)?.[1] ?? 'utf-8'
  // A declaration that is read here is no UTF-16, whatever a program that wrote strings believed.
  return /^utf-?16/i.test(declared) ? 'utf-8' : declared
}
