import { unexpected } from '../errors.ts'
import { throwIfAborted, untilAborted } from '../progress.ts'
import type { Frame } from '../stream/frame.ts'
import { createTracker, type TrackedDetection, type TrackOptions } from '../stream/tracker.ts'
import type { DetectOptions } from './options.ts'
import type { DetectionResult } from './result.ts'

export interface StreamOptions extends Omit<DetectOptions, 'onProgress'> {
  /** At most this many detections a second. Default: as many as the device can do. */
  readonly maxFps?: number | undefined
  /** Gives every object an id that stays with it, and smooths its box. Default false. */
  readonly track?: boolean | TrackOptions | undefined
}

/** The objects of one frame. */
export interface StreamResult extends DetectionResult {
  /** With `track`, each has a `trackId`. */
  readonly detections: readonly (TrackedDetection | DetectionResult['detections'][number])[]
  /** Milliseconds; of a video, its own time. */
  readonly timestamp: number
  /** Frames seen, from 0. */
  readonly index: number
  /** Frames of the source that came and went while the one before this was worked on, where the source counts them. */
  readonly dropped: number
}

/**
 * Detects on the newest frame, then on the newest again: never a queue, however slow the device.
 *
 * @param frames gives a frame when it is asked for one; each is released after its detection.
 * @throws VertebraError what `detect` throws, `INVALID_ARGUMENT`, `ABORTED`.
 */
export async function* streamDetections<Input>(
  detect: (image: Input, options: DetectOptions) => Promise<DetectionResult>,
  frames: AsyncGenerator<Frame<Input> & { readonly dropped?: number }, void, undefined>,
  { maxFps, track = false, ...options }: StreamOptions = {},
): AsyncGenerator<StreamResult, void, undefined> {
  if (maxFps !== undefined && !(maxFps > 0)) throw unexpected('maxFps', 'a number above 0', maxFps)
  const tracker = track === false ? undefined : createTracker(track === true ? {} : track)
  const pause = maxFps === undefined ? 0 : 1000 / maxFps
  const { signal } = options
  let index = 0
  let began = Number.NEGATIVE_INFINITY
  try {
    for (;;) {
      throwIfAborted(signal)
      await sleep(began + pause - performance.now(), signal)
      const coming = frames.next()
      let next: Awaited<typeof coming>
      try {
        // An abort must not wait for a camera that gives no frame.
        next = await untilAborted(coming, signal)
      } catch (error) {
        // Nobody will look at the frame that was waited for, but it must be freed when it comes.
        coming.then(({ value }) => value?.release?.()).catch(() => undefined)
        throw error
      }
      if (next.done) return
      began = performance.now()
      const { image, timestamp, release, dropped = 0 } = next.value
      let result: DetectionResult
      try {
        result = await detect(image, options)
      } finally {
        release?.()
      }
      throwIfAborted(signal)
      const detections = tracker ? tracker.update(result.detections) : result.detections
      yield { ...result, detections, timestamp, index: index++, dropped }
    }
  } finally {
    // Not awaited: a generator that waits for a frame would end only with the next one. Nobody is left to tell of its failure.
    frames.return().catch(() => undefined)
  }
}

async function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (!(milliseconds > 0)) return
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    await untilAborted(
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, milliseconds)
      }),
      signal,
    )
  } finally {
    clearTimeout(timer)
  }
}
