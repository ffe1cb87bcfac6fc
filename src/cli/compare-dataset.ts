import { resolve } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import type { OpenDataset } from '../datasets/open-dataset.node.ts'
import { VertebraError } from '../errors.ts'
import { type CocoResult, cocoResults, type Dataset, type DatasetProblem } from '../formats/index.ts'
import type { Detection } from '../heads/detection.ts'
import { sha256Of } from '../models/load.ts'
import type { Contender } from './compare-models.ts'
import { checkClasses, toDatasetClasses } from './eval-classes.ts'
import { detectDataset } from './eval-detect.ts'
import { progressBar } from './progress-bar.ts'

/** What one model found in the photos of a dataset. */
export interface DatasetDetections {
  /** Per image of the dataset, with its category ids; none where the photo could not be read. */
  readonly perImage: readonly (readonly Detection[])[]
  /** Per image, whether its photo could be read. */
  readonly readable: readonly boolean[]
  readonly results: readonly CocoResult[]
  readonly warnings: readonly string[]
  readonly problems: readonly DatasetProblem[]
  /** Photos without results. */
  readonly failed: number
}

export interface CompareDatasetOptions {
  /** The dataset's path, as given. */
  readonly data: string
  readonly minScore: number | undefined
  /** The folder in which results are kept: one file per model, device, precision, score and dataset. */
  readonly kept: string
  readonly signal: AbortSignal
}

/** Detects with every model on every photo, or takes what an earlier run has kept. */
export async function detectWithAll(
  contenders: readonly Contender[],
  opened: OpenDataset,
  dataset: Dataset,
  { data, minScore, kept, signal }: CompareDatasetOptions,
): Promise<DatasetDetections[]> {
  for (const { detector } of contenders) checkClasses(detector.labels, dataset)
  const ids = dataset.images.map(({ id }) => id)
  const imageId = (file: string): number | string => ids[Number(file)] ?? file
  const all: DatasetDetections[] = []
  for (const { detector, name } of contenders) {
    const bar = progressBar('photos')
    const { manifest, device, precision } = detector
    const key = JSON.stringify([packageJson.version, manifest, device.device, precision, minScore, resolve(data)])
    const file = `${manifest.name}-${(await sha256Of(new TextEncoder().encode(key))).slice(0, 12)}.jsonl`
    const run = await detectDataset(detector, opened, dataset, {
      minScore,
      data,
      unfinished: `${kept}/${file}`,
      signal,
      onResume(done, total) {
        process.stderr.write(`${name}: ${done} of ${total} photos are done already, kept in ${kept}.\n`)
      },
      onProgress: (progress) => bar.update({ ...progress, phase: name }),
    })
      .catch((error: unknown) => {
        bar.clear()
        if (signal.aborted)
          process.stderr.write(`What is done is kept in ${kept}; the same command goes on from there.\n`)
        throw error
      })
      .finally(() => bar.clear())
    const { images, warnings } = toDatasetClasses(run.images, detector.labels, dataset, dataset)
    const byPlace = new Map(images.map((image) => [image.file, image.detections]))
    all.push({
      perImage: dataset.images.map((_, i) => byPlace.get(String(i)) ?? []),
      readable: dataset.images.map((_, i) => byPlace.has(String(i))),
      results: cocoResults(images, { imageId }),
      warnings: warnings.map((warning) => `${name}: ${warning}`),
      problems: run.problems,
      failed: run.failed,
    })
  }
  return all
}

/** The size that most photos have. */
export function usualSize({ images }: Dataset): { readonly width: number; readonly height: number } {
  const uses = new Map<string, { width: number; height: number; count: number }>()
  for (const { width, height } of images) {
    if (!(width > 0 && height > 0)) continue
    const use = uses.get(`${width}x${height}`) ?? { width, height, count: 0 }
    uses.set(`${width}x${height}`, { ...use, count: use.count + 1 })
  }
  const [usual] = [...uses.values()].sort((a, b) => b.count - a.count)
  if (usual) return usual
  throw new VertebraError('DATA_INVALID', 'Expected an image with a known size in the dataset but there is none.')
}

/** Some of the photos, spread evenly over the dataset. */
export function samplePhotos<T>(photos: readonly T[], count: number): T[] {
  const step = Math.max(1, photos.length / count)
  return Array.from({ length: Math.min(count, photos.length) }, (_, i) => photos[Math.floor(i * step)] as T)
}
