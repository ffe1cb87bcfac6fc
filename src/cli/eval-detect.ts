import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import type { OpenDataset } from '../datasets/open-dataset.node.ts'
import { withReasons } from '../datasets/photo-size.node.ts'
import { detectAll } from '../detector/detect-all.ts'
import type { Detector } from '../detector/detector.ts'
import { VertebraError } from '../errors.ts'
import { checkImageFiles, type Dataset, type DatasetProblem, type ImageDetections } from '../formats/index.ts'
import { rounded } from '../formats/names.ts'
import type { ImageInput } from '../images/index.node.ts'
import { sha256Of } from '../models/load.ts'
import type { DetectorManifest } from '../models/manifest.ts'
import { isFor } from '../models/task.ts'
import type { WorkOptions } from '../progress.ts'
import { type DonePhoto, openUnfinished, type UnfinishedResults } from './unfinished-results.ts'

export interface DatasetRunOptions extends WorkOptions {
  /** Least score. Default: the model's. */
  readonly minScore?: number | undefined
  /** The dataset's path, as given. */
  readonly data: string
  /** Where results are kept while the run goes on. */
  readonly unfinished: string
  /** Told before the first photo how many of how many are done. */
  readonly onResume?: ((done: number, total: number) => void) | undefined
}

export interface DatasetRun {
  /** One per image of the dataset that could be read, `file` being its place among the images. */
  readonly images: readonly ImageDetections[]
  /** Photos that could not be read, and photos of another size than the annotations say. */
  readonly problems: readonly DatasetProblem[]
  /** Photos without results. */
  readonly failed: number
  /** Photos whose results are kept and that this run did not ask for, as of a run without --limit. */
  readonly others: number
}

/**
 * Detects on every image of a dataset, going on where an earlier run of the same model, options and dataset stopped. A
 * photo whose file has changed since (size or time of change) is done again; photos that failed are tried again.
 *
 * @param dataset the images that are wanted.
 * @throws VertebraError `DATA_INVALID` when none of the photos is there; as `openUnfinished`; `ABORTED`.
 */
export async function detectDataset(
  detector: Detector<ImageInput>,
  { photoPath, photos }: Pick<OpenDataset, 'photoPath' | 'photos'>,
  dataset: Dataset,
  { minScore, data, unfinished: path, onResume, signal, onProgress }: DatasetRunOptions,
): Promise<DatasetRun> {
  const files = await filesOf(dataset, photoPath)
  if (files.size === 0 && dataset.images.length > 0) {
    const first = photoPath(dataset.images[0]?.file_name ?? '')
    throw new VertebraError(
      'DATA_INVALID',
      `Expected the photos of the dataset in ${photos} but none of ${dataset.images.length} is there (the first would ` +
        `be ${first}): give their folder with --images.`,
    )
  }
  const unfinished = await openUnfinished(path, {
    version: packageJson.version,
    model: await fingerprint(detector.manifest),
    device: detector.device.device,
    precision: detector.precision,
    minScore: minScore ?? detector.manifest.head.scoreThreshold,
    data: resolve(data),
  })
  const failures = new Map<string, string>()
  try {
    const wanted = [...files.values()].filter((file) => !isDone(unfinished, file))
    if (wanted.length < files.size) onResume?.(files.size - wanted.length, files.size)
    const paths = wanted.map(({ path: file }) => file)
    for await (const outcome of detectAll(detector, paths, { minScore, signal, onProgress })) {
      const file = wanted[outcome.index] as PhotoFile
      if ('error' in outcome) failures.set(file.path, outcome.error.message)
      else await unfinished.add(donePhoto(file, outcome.result))
    }
  } finally {
    await unfinished.close()
  }
  const others = [...unfinished.done.keys()].filter((path) => !files.has(path)).length
  return { ...(await finish(detector, dataset, photoPath, unfinished.done, failures)), others }
}

async function finish(
  { labels, manifest }: Detector<ImageInput>,
  dataset: Dataset,
  photoPath: (fileName: string) => string,
  done: ReadonlyMap<string, DonePhoto>,
  failures: ReadonlyMap<string, string>,
): Promise<Omit<DatasetRun, 'others'>> {
  const resultOf = (fileName: string): DonePhoto | undefined => {
    const path = photoPath(fileName)
    return failures.has(path) ? undefined : done.get(path)
  }
  const reasons = new Map<string, string>()
  for (const { file_name } of dataset.images) {
    const reason = failures.get(photoPath(file_name))
    if (reason !== undefined) reasons.set(file_name, reason)
  }
  const images = dataset.images.flatMap(({ file_name }, i): ImageDetections[] => {
    const photo = resultOf(file_name)
    if (!photo) return []
    const detections = photo.detections.map(([classIndex, x, y, width, height, score]) => ({
      classIndex,
      label: labels[classIndex] ?? '',
      categoryId: manifest.labels[classIndex]?.categoryId ?? 0,
      box: [x, y, width, height] as const,
      score,
    }))
    return [{ file: String(i), width: photo.width, height: photo.height, detections }]
  })
  const problems = withReasons(await checkImageFiles(dataset, resultOf), reasons)
  return { images, problems, failed: dataset.images.length - images.length }
}

interface PhotoFile {
  readonly path: string
  readonly bytes: number
  readonly modified: number
}

/** The files that are there, each once, by path. */
async function filesOf(
  { images }: Dataset,
  photoPath: (fileName: string) => string,
): Promise<ReadonlyMap<string, PhotoFile>> {
  const files = new Map<string, PhotoFile>()
  for (const { file_name } of images) {
    const path = photoPath(file_name)
    const entry = files.has(path) ? undefined : await stat(path).catch(() => undefined)
    if (entry?.isFile()) files.set(path, { path, bytes: entry.size, modified: entry.mtimeMs })
  }
  return files
}

function isDone({ done }: UnfinishedResults, { path, bytes, modified }: PhotoFile): boolean {
  const photo = done.get(path)
  return photo !== undefined && photo.bytes === bytes && photo.modified === modified
}

/** Rounded as COCO results are, so that figures do not depend on which of the two they are computed from. */
function donePhoto({ path, bytes, modified }: PhotoFile, { width, height, detections }: ImageResult): DonePhoto {
  return {
    file: path,
    bytes,
    modified,
    width,
    height,
    detections: detections.map(({ classIndex, box: [x, y, w, h], score }) => [
      classIndex,
      rounded(x, 3),
      rounded(y, 3),
      rounded(w, 3),
      rounded(h, 3),
      rounded(score, 6),
    ]),
  }
}

type ImageResult = Pick<ImageDetections, 'width' | 'height' | 'detections'>

/** The SHA-256 of all that detections depend on. */
function fingerprint(manifest: DetectorManifest): Promise<string> {
  const { labels, input, head, graphs } = manifest
  let all: object
  if (isFor(manifest, 'detect-whole')) {
    all = { labels, input, feeds: manifest.feeds, outputs: manifest.outputs, head, graphs }
  } else {
    const { anchors, rpn, roi } = manifest
    all = { labels, input, anchors, rpn, roi, head, graphs }
  }
  return sha256Of(new TextEncoder().encode(JSON.stringify(all)))
}
