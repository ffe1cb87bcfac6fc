import { unexpected } from '../errors.ts'

/**
 * The bytes inside a `data:` URL, base64 or percent-encoded (RFC 2397). Its media type is not looked at: the bytes say
 * themselves what they are.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when it has no comma or its base64 is broken.
 */
export function dataUrlBytes(url: string): Uint8Array {
  const comma = url.indexOf(',')
  if (!url.startsWith('data:') || comma < 0) throw unexpected('the data: URL', '"data:image/...;base64,..."', url)
  const body = url.slice(comma + 1)
  try {
    const text = decodeURIComponent(body)
    if (!/;\s*base64\s*$/i.test(url.slice(0, comma))) return new TextEncoder().encode(text)
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    throw unexpected('the data: URL', 'valid base64 or percent-encoding after the comma', url)
  }
}
