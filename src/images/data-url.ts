import { unexpected } from '../errors.ts'

/**
 * The bytes inside a `data:` URL, base64 or percent-encoded (RFC 2397). Its media type is not looked at: the bytes say
 * themselves what they are.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when it has no comma or its encoding is broken.
 */
export function dataUrlBytes(url: string): Uint8Array {
  const comma = url.indexOf(',')
  if (!/^data:/i.test(url) || comma < 0) throw unexpected('the data: URL', '"data:image/...;base64,..."', url)
  try {
    const characters = percentDecoded(url.slice(comma + 1))
    const isBase64 = /;\s*base64\s*$/i.test(url.slice(0, comma))
    return Uint8Array.from(isBase64 ? atob(characters) : characters, (character) => character.charCodeAt(0))
  } catch {
    throw unexpected('the data: URL', 'valid base64 or percent-encoding after the comma', url)
  }
}

/** One character for each byte: what is encoded need not be text. */
function percentDecoded(text: string): string {
  return text
    .replace(/\P{ASCII}/gu, encodeURIComponent)
    .replace(/%(..|)/gs, (_, digits) => String.fromCodePoint(Number(`0x${digits}`)))
}
