import { toXYWH } from '../boxes/boxes.ts'
import { unexpected } from '../errors.ts'
import type { Detection } from '../heads/detection.ts'
import type { DetectedBoxes } from '../heads/postprocess.ts'
import type { RgbImage } from '../images/image.ts'
import { planInput } from '../images/target-size.ts'
import type { DetectorManifest, Manifest, ModelManifest } from '../models/manifest.ts'
import { isFor, requireDetector } from '../models/task.ts'
import { throwIfAborted } from '../progress.ts'
import type { DetectorCore } from './detector.ts'
import { extractFeatures } from './extract.ts'
import { createLifetime } from './lifetime.ts'
import { type DetectOptions, selectionOf } from './options.ts'
import { runPipeline } from './pipeline.ts'
import type { DecodeImage } from './platform.ts'
import type { DetectionResult } from './result.ts'
import type { Sessions } from './sessions.ts'
import { createStopwatch, STAGES } from './stopwatch.ts'
import { runWhole, WHOLE_STAGES } from './whole-pipeline.ts'

/** A detector whose network runs here. */
export function localDetector<Input>(
  model: ModelManifest,
  sessions: Sessions,
  decode: DecodeImage<Input>,
): DetectorCore<Input> {
  async function detectBatch(
    decode: DecodeImage<Input>,
    inputs: readonly Input[],
    options: DetectOptions = {},
  ): Promise<DetectionResult[]> {
    if (!Array.isArray(inputs)) throw unexpected('images', 'an array of pictures', inputs)
    const { signal, onProgress } = options
    const manifest = requireDetector(model)
    selectionOf(manifest, options) // a wrong option is found before any picture is read
    throwIfAborted(signal)
    const stopwatch = createStopwatch()
    const images = await Promise.all(inputs.map((input) => decode(input, { signal })))
    stopwatch.lap('decode')
    throwIfAborted(signal)
    const isWhole = isFor(manifest, 'detect-whole')
    const together = sessions.roiPooling !== 'grid-sample' && !isWhole
    const groups = together ? groupByShape(manifest, images) : images.map((_, index) => [index])
    const stages = isWhole ? WHOLE_STAGES : STAGES.length - 1 + 2 * (manifest.head.refinements ?? 0)
    const total = 1 + groups.length * stages
    let done = 1
    onProgress?.({ phase: 'decode', done, total })
    const onStage = (phase: string): void => onProgress?.({ phase, done: ++done, total })

    const results: DetectionResult[] = []
    for (const indices of groups) {
      const photos = indices.map((index) => images[index] as RgbImage)
      const run = { sessions, stopwatch, signal, onStage }
      const detected = isWhole
        ? [await runWhole({ ...run, manifest, selection: selectionOf(manifest, options) }, photos[0] as RgbImage)]
        : await runPipeline({ ...run, manifest, selection: selectionOf(manifest, options) }, photos)
      indices.forEach((index, i) => {
        const { width, height } = photos[i] as RgbImage
        const detections = toDetections(manifest, detected[i] as DetectedBoxes)
        results[index] = {
          width,
          height,
          detections,
          device: sessions.device,
          precision: sessions.precision,
          times: stopwatch.times,
        }
      })
    }
    return results
  }

  const { run, dispose } = createLifetime(() => sessions.dispose())
  return {
    manifest: model,
    get device() {
      return sessions.device
    },
    get precision() {
      return sessions.precision
    },
    runtime: sessions.runtime,
    detectBatch: (inputs, options) =>
      run(() => withRecovery(sessions, decode, (decode) => detectBatch(decode, inputs, options))),
    extract: (input, options) =>
      run(() => withRecovery(sessions, decode, (decode) => extractFeatures(model, sessions, decode, input, options))),
    dispose,
  }
}

/**
 * A device that was lost while it ran gives way to the next one, float16 that overflowed to float32; the work is done again, and so is
 * what went on beside it: part of that ran on the one and part on the other. Photos are decoded once: a stream cannot be read again.
 */
export async function withRecovery<Input, T>(
  sessions: Sessions,
  decode: DecodeImage<Input>,
  work: (decode: DecodeImage<Input>) => Promise<T>,
): Promise<T> {
  const images = new Map<Input, Promise<RgbImage>>()
  const decodeOnce: DecodeImage<Input> = (input, options) => {
    if (!images.has(input)) images.set(input, decode(input, options))
    return images.get(input) as Promise<RgbImage>
  }
  while (true) {
    const { generation } = sessions
    try {
      const result = await work(decodeOnce)
      if (sessions.generation === generation) return result
    } catch (error) {
      if (sessions.generation === generation && !(await sessions.recover(error))) throw error
    }
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

function toDetections(manifest: DetectorManifest, { boxes, scores, classes }: DetectedBoxes): Detection[] {
  return toXYWH(boxes).map((box, i) => {
    const classIndex = classes[i] as number
    const { name, categoryId } = manifest.labels[classIndex] as DetectorManifest['labels'][number]
    return { box, label: name, classIndex, categoryId, score: scores[i] as number }
  })
}
