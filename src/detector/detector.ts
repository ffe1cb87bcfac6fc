import { toXYWH } from '../boxes/boxes.ts'
import { unexpected } from '../errors.ts'
import type { Detection } from '../heads/detection.ts'
import type { DetectedBoxes } from '../heads/postprocess.ts'
import type { RgbImage } from '../images/image.ts'
import { planInput } from '../images/target-size.ts'
import type { Manifest } from '../models/manifest.ts'
import { throwIfAborted } from '../progress.ts'
import type { ChosenDevice } from '../runtime/choose-device.ts'
import { type Backbone, createBackbone } from './backbone.ts'
import { type DetectOptions, selectionOf } from './options.ts'
import { runPipeline } from './pipeline.ts'
import type { DecodeImage } from './platform.ts'
import type { Sessions } from './sessions.ts'
import { createStopwatch, STAGES, type StageTimes } from './stopwatch.ts'

/** The objects of one photo, and how they were found. */
export interface DetectionResult {
  /** Size of the photo in pixels, upright. */
  readonly width: number
  readonly height: number
  /** Highest score first. */
  readonly detections: readonly Detection[]
  /** What ran, and why it was chosen. */
  readonly device: ChosenDevice
  /** What the network computed in. */
  readonly precision: Sessions['precision']
  /** Milliseconds per stage; of a batch, those of the whole batch. */
  readonly times: StageTimes
}

/** A detector: photo in, labelled boxes out. Made by `loadDetector`. */
export interface Detector<Input> extends AsyncDisposable {
  readonly manifest: Manifest
  /** Names of the K classes. */
  readonly labels: readonly string[]
  readonly device: ChosenDevice
  readonly precision: Sessions['precision']
  /** Name and version of the package that runs the graphs. */
  readonly runtime: string
  /** The network below the head: feature maps, embeddings. */
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
  /** Frees the model's memory once running calls have ended. Everything afterwards throws `DISPOSED`. */
  dispose(): Promise<void>
}

export function createDetector<Input>(
  manifest: Manifest,
  sessions: Sessions,
  decode: DecodeImage<Input>,
): Detector<Input> {
  const { device, precision } = sessions

  async function detectBatch(inputs: readonly Input[], options: DetectOptions = {}): Promise<DetectionResult[]> {
    if (!Array.isArray(inputs)) throw unexpected('images', 'an array of pictures', inputs)
    const { signal, onProgress } = options
    const selection = selectionOf(manifest, options)
    throwIfAborted(signal)
    const stopwatch = createStopwatch()
    const images = await Promise.all(inputs.map((input) => decode(input, { signal })))
    stopwatch.lap('decode')
    throwIfAborted(signal)
    const groups = groupByShape(manifest, images)
    const total = 1 + groups.length * (STAGES.length - 1)
    let done = 1
    onProgress?.({ phase: 'decode', done, total })
    const onStage = (phase: string): void => onProgress?.({ phase, done: ++done, total })

    const results: DetectionResult[] = []
    for (const indices of groups) {
      const photos = indices.map((index) => images[index] as RgbImage)
      const run = { manifest, sessions, selection, stopwatch, signal, onStage }
      const detected = await runPipeline(run, photos)
      indices.forEach((index, i) => {
        const { width, height } = photos[i] as RgbImage
        const detections = toDetections(manifest, detected[i] as DetectedBoxes)
        results[index] = { width, height, detections, device, precision, times: stopwatch.times }
      })
    }
    return results
  }

  const dispose = (): Promise<void> => sessions.dispose()
  return {
    manifest,
    labels: manifest.labels.map((label) => label.name),
    device,
    precision,
    runtime: sessions.runtime,
    backbone: createBackbone(manifest, sessions, decode),
    async detect(image, options) {
      const [result] = await detectBatch([image], options)
      return result as DetectionResult
    },
    detectBatch,
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}

/** Indices of the photos that share a padded input size. */
function groupByShape(manifest: Manifest, images: readonly RgbImage[]): number[][] {
  const groups = new Map<string, number[]>()
  images.forEach(({ width, height }, index) => {
    const { paddedWidth, paddedHeight } = planInput(manifest.input, width, height)
    const key = `${paddedWidth}x${paddedHeight}`
    groups.set(key, [...(groups.get(key) ?? []), index])
  })
  return [...groups.values()]
}

function toDetections(manifest: Manifest, { boxes, scores, classes }: DetectedBoxes): Detection[] {
  return toXYWH(boxes).map((box, i) => {
    const classIndex = classes[i] as number
    const { name, categoryId } = manifest.labels[classIndex] as Manifest['labels'][number]
    return { box, label: name, classIndex, categoryId, score: scores[i] as number }
  })
}
