import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import { partNames, readWeights } from './containers/index.ts'
import { invalidWeights, type WeightFile } from './stored-tensor.ts'

/**
 * Reads a file of weights whose bytes are there already, and the files beside it that it names: see {@link readWeights}.
 * @throws VertebraError `WEIGHTS_INVALID` that names the file, `ABORTED`
 */
export async function readWeightsOf(path: string, bytes: Uint8Array, signal?: AbortSignal): Promise<WeightFile> {
  const parts = new Map<string, Uint8Array>()
  for (const name of partNames(bytes)) parts.set(name, await readBytes(join(dirname(path), name), signal))
  return readWeights(bytes, basename(path), parts)
}

/** @throws VertebraError `WEIGHTS_INVALID` that names the file, `ABORTED` */
export async function readBytes(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    return await readFile(path, { signal })
  } catch (cause) {
    throwIfAborted(signal)
    throw invalidWeights(`a file of weights but ${path} cannot be read: ${messageOf(cause)}`, cause)
  }
}
