import type { DetectorManifest, ModelManifest } from '../models/manifest.ts'
import { requireDetector } from '../models/task.ts'
import type { ChosenDevice } from '../runtime/choose-device.ts'
import type { Frame } from '../stream/frame.ts'
import { type Backbone, backboneOf, type Extract } from './backbone.ts'
import type { DetectOptions } from './options.ts'
import type { DetectionResult } from './result.ts'
import type { Sessions } from './sessions.ts'
import { type StreamOptions, type StreamResult, streamDetections } from './stream.ts'

/** A detector: photo in, labelled boxes out. Made by `loadDetector`. */
export interface Detector<Input, Source = AsyncIterable<Input>> extends AsyncDisposable {
  readonly manifest: DetectorManifest
  /** Names of the K classes. */
  readonly labels: readonly string[]
  readonly device: ChosenDevice
  readonly precision: Sessions['precision']
  /** Name and version of the package that runs the graphs. */
  readonly runtime: string
  /** The network below the head: feature maps, embeddings. A detector in one graph has none, and its calls say so. */
  readonly backbone: Backbone<Input>
  /**
   * Finds the objects in one photo.
   * @throws VertebraError `INVALID_ARGUMENT`, `IMAGE_NOT_FOUND`, `IMAGE_UNREADABLE`, `IMAGE_TOO_LARGE`,
   * `INFERENCE_FAILED`, `OUT_OF_MEMORY`, `ABORTED`, `DISPOSED`.
   * @example
   * const { detections } = await detector.detect('street.jpg', { minScore: 0.5, classes: ['person', 'car'] })
   * for (const { label, score, box } of detections) console.log(label, score.toFixed(2), box)
   */
  detect(image: Input, options?: DetectOptions): Promise<DetectionResult>
  /**
   * Finds the objects in several photos at once. Photos that come out at the same padded size go through the network
   * together, so a photo's result does not depend on its company. For many photos use `detectAll`.
   * @returns one result per photo, in the order given.
   * @throws VertebraError as `detect`; the first failure ends the batch.
   */
  detectBatch(images: readonly Input[], options?: DetectOptions): Promise<DetectionResult[]>
  /**
   * Detects on a video or camera, or on frames that something pushes: always on the newest frame, never on a queue of old
   * ones. Ends with its source; leaving the loop or aborting ends it at once. A camera's track is not stopped: who opened it
   * closes it. Frames that have a `close()` are closed after their detection.
   * @throws VertebraError as `detect`; `DEVICE_UNAVAILABLE` when a camera goes away.
   * @example
   * for await (const { detections } of detector.stream(video, { track: true, maxFps: 15 })) draw(detections)
   */
  stream(source: Source, options?: StreamOptions): AsyncGenerator<StreamResult, void, undefined>
  /** Frees the model's memory once running calls have ended. Everything afterwards throws `DISPOSED`. */
  dispose(): Promise<void>
}

/** What a detector, or the backbone of any model, is made of, wherever its network runs. */
export interface DetectorCore<Input> {
  readonly manifest: ModelManifest
  readonly device: ChosenDevice
  readonly precision: Sessions['precision']
  readonly runtime: string
  readonly detectBatch: Detector<Input>['detectBatch']
  readonly extract: Extract<Input>
  readonly dispose: () => Promise<void>
}

/** The frames of whatever a platform can stream from. */
export type OpenFrames<Input, Source> = (
  source: Source,
  signal: AbortSignal | undefined,
) => AsyncGenerator<Frame<Input> & { readonly dropped?: number }, void, undefined>

export function detectorOf<Input, Source>(
  core: DetectorCore<Input>,
  openFrames: OpenFrames<Input, Source>,
): Detector<Input, Source> {
  const { detectBatch, dispose } = core
  const manifest = requireDetector(core.manifest)
  async function detect(image: Input, options?: DetectOptions): Promise<DetectionResult> {
    const [result] = await detectBatch([image], options)
    return result as DetectionResult
  }
  return {
    manifest,
    labels: manifest.labels.map((label) => label.name),
    get device() {
      return core.device
    },
    get precision() {
      return core.precision
    },
    runtime: core.runtime,
    backbone: backboneOf(manifest, core.extract),
    detect,
    detectBatch,
    stream: (source, options = {}) => streamDetections(detect, openFrames(source, options.signal), options),
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
