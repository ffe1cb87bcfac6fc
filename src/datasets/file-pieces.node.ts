import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { describe, messageOf, VertebraError } from '../errors.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'

/**
 * A file's bytes in pieces, with progress in megabytes.
 *
 * @throws VertebraError `DATA_INVALID` when it cannot be read; `ABORTED`.
 */
export async function* readFilePieces(path: string, { signal, onProgress }: WorkOptions): AsyncGenerator<Uint8Array> {
  const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6)
  try {
    const total = megabytes((await stat(path)).size)
    let bytes = 0
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
      throwIfAborted(signal)
      bytes += (piece as Uint8Array).byteLength
      yield piece as Uint8Array
      onProgress?.({ phase: 'read', done: megabytes(bytes), total, item: basename(path) })
    }
  } catch (cause) {
    // Anything but the file system's own errors comes from the caller.
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause
    throw new VertebraError('DATA_INVALID', `Could not read ${describe(path)}: ${messageOf(cause)}.`, { cause })
  }
}
