import { createReadStream } from 'node:fs'
import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { onAbort, throwIfAborted, untilAborted } from '../progress.ts'

/** Where bytes come from, and how much of them is read at most. */
export interface ReadLimits {
  /** What the picture is called in messages. */
  readonly name: string
  readonly maxBytes: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads a file (or a pipe) whole.
 *
 * @throws VertebraError `IMAGE_NOT_FOUND` when there is no such file, `IMAGE_UNREADABLE` for a folder or without the right
 * to read it, `IMAGE_TOO_LARGE` past `maxBytes`, `ABORTED`.
 */
export async function readFileBytes(path: string, limits: ReadLimits): Promise<Uint8Array> {
  if (path === '' || path.includes('\0')) throw unexpected('the path of a picture', 'a file path', path)
  const stream = createReadStream(path, { highWaterMark: 1 << 20 })
  stream.on('error', () => {}) // An error that comes after an abort has no reader any more.
  try {
    return await readStreamBytes(stream, limits)
  } catch (error) {
    if (error instanceof VertebraError) throw error
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw unexpected('the picture', 'an existing file', path, 'IMAGE_NOT_FOUND')
    }
    if (code === 'EISDIR') throw unexpected('the picture', 'a file, not a folder,', path, 'IMAGE_UNREADABLE')
    throw new VertebraError('IMAGE_UNREADABLE', `Could not read the picture ${limits.name}: ${messageOf(error)}.`, {
      value: path,
      cause: error,
    })
  } finally {
    stream.destroy()
  }
}

/**
 * Collects a stream of byte chunks: a Node Readable, a web ReadableStream, or any async iterable of Uint8Array.
 *
 * @throws VertebraError `IMAGE_TOO_LARGE` past `maxBytes`, `ABORTED` as soon as the signal fires even when the stream is
 * silent, `INVALID_ARGUMENT` for chunks that are not bytes. What the stream itself throws goes through.
 */
export async function readStreamBytes(stream: AsyncIterable<unknown>, limits: ReadLimits): Promise<Uint8Array> {
  const { name, maxBytes, signal } = limits
  const chunks: Uint8Array[] = []
  let length = 0
  const iterator = stream[Symbol.asyncIterator]()
  let finished = false
  try {
    for (;;) {
      const next = await untilAborted(iterator.next(), signal)
      if (next.done) break
      const chunk = next.value
      if (!(chunk instanceof Uint8Array)) {
        throw unexpected(`a chunk of ${name}`, 'a Buffer or Uint8Array (a stream without an encoding)', chunk)
      }
      length += chunk.length
      if (length > maxBytes) throw tooManyBytes(name, maxBytes)
      chunks.push(chunk)
    }
    finished = true
  } finally {
    // Not awaited: a silent stream may never answer.
    if (!finished) iterator.return?.()?.then(undefined, () => {})
  }
  return Buffer.concat(chunks, length)
}

/**
 * Downloads the bytes of an http or https URL, at most `timeoutMs` from start to end.
 *
 * @throws VertebraError `IMAGE_NOT_FOUND` for the answers 404 and 410, `NETWORK` for any other failure or no answer in
 * time, `IMAGE_TOO_LARGE` past `maxBytes`, `ABORTED`.
 */
export async function downloadBytes(url: URL, timeoutMs: number, limits: ReadLimits): Promise<Uint8Array> {
  const { name, maxBytes, signal } = limits
  throwIfAborted(signal)
  // One controller by hand: AbortSignal.any on a long-lived signal keeps memory in Node 20.
  const controller = new AbortController()
  const unlisten = onAbort(signal, () => controller.abort(signal?.reason))
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    controller.abort()
  }, timeoutMs)
  try {
    const response = await fetch(url, { signal: controller.signal })
    if (!response.ok || response.body === null) {
      const code = response.status === 404 || response.status === 410 ? 'IMAGE_NOT_FOUND' : 'NETWORK'
      const answer = `${response.status} ${response.statusText}`.trim()
      await response.body?.cancel()
      throw new VertebraError(code, `Expected a picture at ${name} but the server answered ${answer}.`, {
        value: response.status,
      })
    }
    if (Number(response.headers.get('content-length')) > maxBytes) {
      await response.body.cancel()
      throw tooManyBytes(name, maxBytes)
    }
    return await readStreamBytes(response.body, { name, maxBytes, signal })
  } catch (error) {
    throwIfAborted(signal)
    if (error instanceof VertebraError) throw error
    const reason = timedOut
      ? `it was not complete after ${timeoutMs / 1000} s`
      : messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error) || messageOf(error)
    throw new VertebraError('NETWORK', `Could not download ${name}: ${reason}.`, { value: url.href, cause: error })
  } finally {
    clearTimeout(timer)
    unlisten?.()
    controller.abort()
  }
}

/** @throws VertebraError `IMAGE_TOO_LARGE` past `maxBytes`. */
export function requireBytesWithin(length: number, { name, maxBytes }: ReadLimits): void {
  if (length > maxBytes) throw tooManyBytes(name, maxBytes)
}

function tooManyBytes(name: string, maxBytes: number): VertebraError {
  const limit = `${Math.round(maxBytes / 2 ** 20)} MiB`
  return new VertebraError(
    'IMAGE_TOO_LARGE',
    `Expected at most ${limit} of picture file for ${name} but received more; decode it yourself with decodeImage and a larger maxPixels (8 bytes a pixel).`,
    { value: maxBytes },
  )
}
