import { asVertebraError, type DetectOutcome, endsEverything } from '../detector/detect-all.ts'
import type { DetectorCore } from '../detector/detector.ts'
import { type DetectOptions, selectionOf } from '../detector/options.ts'
import type { DecodeImage } from '../detector/platform.ts'
import type { DetectionResult } from '../detector/result.ts'
import { VertebraError } from '../errors.ts'
import type { RawImage } from '../images/image.ts'
import type { DetectorManifest } from '../models/manifest.ts'
import { requireDetector } from '../models/task.ts'
import { onAbort } from '../progress.ts'
import type { ChosenDevice } from '../runtime/choose-device.ts'
import { inOrder } from './in-order.ts'
import { createSemaphore } from './semaphore.ts'
import { createSlot, type Slot } from './slot.ts'

/** Several detectors of one model that share the work. Made by `createPool`. */
export interface DetectorPool<Input> extends AsyncDisposable {
  readonly manifest: DetectorManifest
  /** Names of the K classes. */
  readonly labels: readonly string[]
  readonly device: ChosenDevice
  readonly precision: DetectionResult['precision']
  /** Name and version of the package that runs the graphs. */
  readonly runtime: string
  /** Number of workers. */
  readonly size: number
  /** Photos that may wait, decoded, for a worker. */
  readonly queue: number
  /**
   * Finds the objects in one photo, on the next worker that is free. At most `size` photos are in the networks and `queue`
   * more are read and decoded beside them; further calls wait before their photo is read. A worker that dies is replaced,
   * and its photo tried once more. `times.decode` is the time of reading and decoding, which ran beside the networks.
   * @throws VertebraError as `Detector.detect`; `INFERENCE_FAILED` also when two workers died over the photo.
   */
  detect(image: Input, options?: DetectOptions): Promise<DetectionResult>
  /**
   * Finds the objects in many photos and gives the outcomes in the order of the photos, as the function `detectAll` does,
   * with all workers busy. At most `size + queue` photos are read ahead of the outcome that was given last. Leaving the
   * loop stops the work.
   *
   * @param images photos, or anything that gives them one at a time; the total in `onProgress` is known for arrays.
   * @throws VertebraError `INVALID_ARGUMENT`, `ABORTED`, `DISPOSED`; a photo's own failure is its outcome.
   * @example
   * for await (const outcome of pool.detectAll(files)) {
   *   if ('error' in outcome) console.error(outcome.input, outcome.error.message)
   *   else console.log(outcome.input, outcome.result.detections.length)
   * }
   */
  detectAll(
    images: Iterable<Input> | AsyncIterable<Input>,
    options?: DetectOptions,
  ): AsyncGenerator<DetectOutcome<Input>, void, undefined>
  /** Ends the workers once the photos in their networks are done. Calls that still wait, and all later ones, throw `DISPOSED`. */
  dispose(): Promise<void>
}

/**
 * A pool of workers that are loaded already.
 * @param start loads a detector in a new worker, when one has died.
 */
export function poolOf<Input>(
  workers: readonly DetectorCore<RawImage>[],
  start: () => Promise<DetectorCore<RawImage>>,
  decode: DecodeImage<Input>,
  queue: number,
): DetectorPool<Input> {
  const size = workers.length
  const [first] = workers as readonly [DetectorCore<RawImage>]
  const manifest = requireDetector(first.manifest)
  const slots = workers.map((worker) => createSlot(worker, start))
  const idle = [...slots]
  const running = new Set<Promise<DetectionResult>>()
  const places = createSemaphore(size + queue)
  const turns = createSemaphore(size)
  let disposed: Promise<void> | undefined

  async function detect(image: Input, options: DetectOptions = {}): Promise<DetectionResult> {
    const { signal } = options
    selectionOf(manifest, options) // a wrong option is found before any picture is read
    await places.acquire(signal)
    try {
      const began = performance.now()
      const photo = await decode(image, { signal })
      const decodeTime = performance.now() - began
      await turns.acquire(signal)
      // Who has a turn finds an idle slot.
      const slot = idle.shift() as Slot
      const work = slot.detect(photo, options)
      running.add(work)
      try {
        const result = await work
        return { ...result, times: { ...result.times, decode: decodeTime } }
      } finally {
        running.delete(work)
        idle.push(slot)
        turns.release()
      }
    } finally {
      places.release()
    }
  }

  async function* detectAll(
    images: Iterable<Input> | AsyncIterable<Input>,
    { onProgress, signal, ...options }: DetectOptions = {},
  ): AsyncGenerator<DetectOutcome<Input>, void, undefined> {
    selectionOf(manifest, options) // a wrong option is a wrong call, not a failure of every photo
    const leaving = new AbortController()
    const leave = (): void => leaving.abort(signal?.reason)
    if (signal?.aborted) leave()
    const unlisten = onAbort(signal, leave)
    const total = Array.isArray(images) ? { total: images.length } : {}
    async function work(input: Input, index: number): Promise<DetectOutcome<Input>> {
      try {
        return { index, input, result: await detect(input, { ...options, signal: leaving.signal }) }
      } catch (error) {
        if (endsEverything(error)) throw error
        return { index, input, error: asVertebraError(error) }
      }
    }
    try {
      for await (const outcome of inOrder(images, size + queue, work, leaving.signal)) {
        const { index, input } = outcome
        onProgress?.({ phase: 'detect', done: index + 1, ...total, ...(typeof input === 'string' && { item: input }) })
        yield outcome
      }
    } finally {
      unlisten?.()
      leaving.abort()
    }
  }

  async function end(): Promise<void> {
    const reason = new VertebraError('DISPOSED', 'This pool was disposed: create another one to go on.')
    places.close(reason)
    turns.close(reason)
    await Promise.allSettled(running)
    await Promise.all(slots.map((slot) => slot.dispose()))
  }

  const dispose = (): Promise<void> => {
    disposed ??= end()
    return disposed
  }

  return {
    manifest,
    labels: manifest.labels.map(({ name }) => name),
    device: first.device,
    precision: first.precision,
    runtime: first.runtime,
    size,
    queue,
    detect,
    detectAll,
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
