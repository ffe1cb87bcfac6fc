import type { DetectorCore } from '../detector/detector.ts'
import type { DetectOptions } from '../detector/options.ts'
import type { DetectionResult } from '../detector/result.ts'
import { messageOf, VertebraError } from '../errors.ts'
import type { RawImage, RgbImage } from '../images/image.ts'

/** A photo is tried once more on a new worker when its worker died: it may not have been the photo's fault. */
const ATTEMPTS = 2

/** One place in a pool for a worker, which works on one photo at a time and is replaced when it dies. */
export interface Slot {
  /** @throws VertebraError `INFERENCE_FAILED` when two workers died over this photo; what loading and `detect` throw. */
  detect(photo: RgbImage, options: DetectOptions): Promise<DetectionResult>
  dispose(): Promise<void>
}

/** @param start loads a detector in a new worker. */
export function createSlot(first: DetectorCore<RawImage>, start: () => Promise<DetectorCore<RawImage>>): Slot {
  let worker: DetectorCore<RawImage> | undefined = first
  return {
    async detect({ width, height, data }, options) {
      let death: unknown
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        worker ??= await start()
        try {
          const [result] = await worker.detectBatch([{ width, height, data, channels: 3 }], options)
          return result as DetectionResult
        } catch (error) {
          if (await isAlive(worker)) throw error
          await worker.dispose()
          worker = undefined
          death = error
        }
      }
      throw new VertebraError(
        'INFERENCE_FAILED',
        `Two workers died over this photo, the second one so: ${messageOf(death)}`,
        { cause: death },
      )
    },
    async dispose() {
      await worker?.dispose()
      worker = undefined
    },
  }
}

/** A worker that still answers says nothing to no photos. */
async function isAlive(worker: DetectorCore<RawImage>): Promise<boolean> {
  return worker.detectBatch([]).then(
    () => true,
    () => false,
  )
}
