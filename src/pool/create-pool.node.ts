import { availableParallelism } from 'node:os'
import { checkCount } from '../checks.ts'
import type { DetectorCore } from '../detector/detector.ts'
import type { LoadOptions } from '../detector/load.ts'
import { decodeImage, type ImageInput } from '../images/decode.node.ts'
import type { RawImage } from '../images/image.ts'
import type { WorkOptions } from '../progress.ts'
import { startProcess } from '../worker/start-process.node.ts'
import { type DetectorPool, poolOf } from './pool.node.ts'

/** A GPU takes one network at a time; the second worker prepares and selects meanwhile. */
const SIZE_BESIDE_CPU = 2

export interface PoolOptions extends LoadOptions {
  /** Number of workers. Default: one per core on the CPU, otherwise 2. Each has its own copy of the weights in memory. */
  readonly size?: number | undefined
  /** Threads of each worker on the CPU. Default 1: together the pool has `size` times as many. */
  readonly threads?: number | undefined
  /** Photos that may wait, decoded, for a worker. Default twice the size. */
  readonly queue?: number | undefined
}

/**
 * Loads a detector into several workers, each a process of its own, for many photos at once: folders, servers. One photo alone
 * is not faster than with `loadDetector`.
 *
 * @param model as for `loadDetector`.
 * @throws VertebraError as `loadDetector`.
 * @example
 * const pool = await createPool('resnet101-voc')
 * for await (const outcome of pool.detectAll(files)) console.log(outcome.input, outcome)
 * await pool.dispose()
 */
export async function createPool(
  model: string | URL,
  { size, threads = 1, queue, signal, onProgress, ...options }: PoolOptions = {},
): Promise<DetectorPool<ImageInput>> {
  if (size !== undefined) checkCount('size', size)
  if (queue !== undefined) checkCount('queue', queue, 0)
  const start = (work: WorkOptions = {}): Promise<DetectorCore<RawImage>> =>
    startProcess(model, { ...options, threads, ...work })
  // Alone, so that a model is downloaded once and a mistake fails once.
  const first = await start({ signal, onProgress })
  const workers = size ?? (first.device.device === 'cpu' ? availableParallelism() : SIZE_BESIDE_CPU)
  const loaded = [first]
  const starting = Array.from({ length: workers }, async (_, i) => {
    if (i > 0) loaded.push(await start({ signal }))
    onProgress?.({ phase: 'workers', done: loaded.length, total: workers })
  })
  const failure = (await Promise.allSettled(starting)).find((one) => one.status === 'rejected')
  if (failure) {
    await Promise.all(loaded.map((worker) => worker.dispose()))
    throw failure.reason
  }
  return poolOf(loaded, () => start(), decodeImage, queue ?? 2 * workers)
}
