import { allocate } from '../allocate.ts'
import { messageOf, VertebraError } from '../errors.ts'
import { onAbort, throwIfAborted, type WorkOptions } from '../progress.ts'
import { PART_BYTES, type PartStore, partKey } from './part-store.ts'

/** Attempts that bring not one byte before a download is given up. */
const ATTEMPTS = 4
const FIRST_PAUSE_MS = 500

/**
 * Downloads a file of known size, in parts that a store keeps: parts it has are not fetched, and a download that broke, in
 * this page or an earlier one, goes on behind the last whole part (by the HTTP header Range).
 *
 * The bytes are not checked here against the SHA-256, which only names them in the store.
 *
 * @throws VertebraError `NETWORK`, `MODEL_NOT_FOUND` (404), `MODEL_CORRUPT` when the server's file has another length,
 * `OUT_OF_MEMORY`, `ABORTED`.
 */
export async function download(
  url: URL,
  { bytes, sha256 }: { readonly bytes: number; readonly sha256: string },
  store: PartStore | undefined,
  { signal, onProgress }: WorkOptions = {},
): Promise<Uint8Array> {
  const content = allocate(bytes, url.href)
  const report = (done: number): void => onProgress?.({ phase: 'download', done, total: bytes, item: url.href })
  let received = 0
  while (received < bytes) {
    throwIfAborted(signal)
    const part = await store?.get(partKey(sha256, received / PART_BYTES))
    if (part === undefined || part.length !== Math.min(PART_BYTES, bytes - received)) break
    content.set(part, received)
    received += part.length
    report(received)
  }
  let kept = received
  const keep = async (): Promise<void> => {
    while (kept < received && (received - kept >= PART_BYTES || received === bytes)) {
      const end = Math.min(kept + PART_BYTES, bytes)
      await store?.put(partKey(sha256, kept / PART_BYTES), content.subarray(kept, end))
      kept = end
    }
  }
  for (let attempt = 1; received < bytes; attempt++) {
    const before = received
    try {
      for await (const chunk of chunks(url, received, bytes, signal)) {
        if (chunk === 'restart') received = kept = 0
        else {
          if (received + chunk.length > bytes) throw otherFile(url, bytes, 'more')
          content.set(chunk, received)
          received += chunk.length
          await keep()
          report(received)
        }
      }
      if (received < bytes) throw new TypeError(`the connection ended after ${received} of ${bytes} bytes`)
    } catch (cause) {
      throwIfAborted(signal)
      if (cause instanceof VertebraError) throw cause
      if (received > before) attempt = 1
      if (attempt >= ATTEMPTS) throw failed(url, received, bytes, cause)
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1), signal)
    }
  }
  return content
}

/**
 * The bytes of a file from `start` on. A server that does not know Range sends all of it: `restart` says so first.
 * @throws VertebraError `MODEL_CORRUPT` where the server has sent, or says it has, a whole file that is not of this length.
 */
async function* chunks(
  url: URL,
  start: number,
  bytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array | 'restart'> {
  const response = await fetch(url, {
    ...(start > 0 && { headers: { range: `bytes=${start}-` } }),
    ...(signal && { signal }),
  })
  if (response.status === 416) throw otherFile(url, bytes, 'fewer')
  requireOk(response, url)
  const isPart = response.status === 206
  if (start > 0 && !isPart) yield 'restart'
  if (response.body === null) return
  const reader = response.body.getReader()
  let sent = 0
  try {
    const [, total] = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
    if (isPart && total && Number(total) !== bytes) throw otherFile(url, bytes, total)
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      sent += read.value.length
      yield read.value
    }
    // Another length than was announced is a broken connection, or that of the compressed bytes.
    const announced = response.headers.get('content-length') ?? sent
    if (!isPart && sent < bytes && Number(announced) === sent) throw otherFile(url, bytes, sent)
  } finally {
    // Ends the transfer when the caller left early.
    await reader.cancel().catch(() => undefined)
  }
}

/** @throws VertebraError `MODEL_NOT_FOUND` for 404 and 410, `NETWORK` for any other failure. */
export function requireOk(response: Response, url: URL): void {
  if (response.ok) return
  throw new VertebraError(
    response.status === 404 || response.status === 410 ? 'MODEL_NOT_FOUND' : 'NETWORK',
    `Expected the file ${url.href} but the server answered ${response.status} ${response.statusText}.`,
  )
}

function otherFile(url: URL, bytes: number, sent: number | string): VertebraError {
  return new VertebraError(
    'MODEL_CORRUPT',
    `Expected ${url.href} to be the file that model.json describes (${bytes} bytes) but the server sends ${sent}.`,
  )
}

function failed(url: URL, received: number, bytes: number, cause: unknown): VertebraError {
  return new VertebraError(
    'NETWORK',
    `The download of ${url.href} stopped at ${received} of ${bytes} bytes (${messageOf(cause)}): try again, it goes on from there.`,
    { cause },
  )
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      unlisten?.()
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    const unlisten = onAbort(signal, done)
  })
}
