import type { OpenDataset } from '../datasets/open-dataset.node.ts'
import { detectAll } from '../detector/detect-all.ts'
import type { Precision } from '../detector/in-precision.ts'
import { evaluateCoco, evaluateVoc } from '../evaluate/index.ts'
import { cocoResults, type Dataset, type ImageDetections } from '../formats/index.ts'
import { loadDetector, type NodeLoadOptions } from '../load/node.ts'
import type { WorkOptions } from '../progress.ts'
import { toDatasetClasses } from './eval-classes.ts'

/** Fractions from 0 to 1, -1 where there is nothing to measure. */
export interface Accuracy {
  readonly AP: number
  readonly AP50: number
  readonly vocMAP: number
}

/** The accuracy of a model in a precision on the photos of a dataset. Photos that cannot be read count as photos without results. */
export async function accuracyOf(
  model: string,
  precision: Precision,
  opened: OpenDataset,
  dataset: Dataset,
  { signal, onProgress, threads }: WorkOptions & Pick<NodeLoadOptions, 'threads'>,
): Promise<Accuracy> {
  await using detector = await loadDetector(model, { device: 'cpu', precision, threads, signal })
  const images: ImageDetections[] = []
  const paths = dataset.images.map(({ file_name }) => opened.photoPath(file_name))
  for await (const outcome of detectAll(detector, paths, { signal, onProgress })) {
    if (!('error' in outcome)) images.push({ ...outcome.result, file: String(outcome.index) })
  }
  const mapped = toDatasetClasses(images, detector.labels, opened.dataset, dataset).images
  const imageId = (file: string): number | string => dataset.images[Number(file)]?.id ?? file
  const results = cocoResults(mapped, { imageId })
  const { AP, AP50 } = evaluateCoco(dataset, results).stats
  return { AP, AP50, vocMAP: evaluateVoc(dataset, results, { iouThreshold: 0.5, method: 'every-point' }).mAP }
}
