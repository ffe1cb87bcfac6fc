import {
  type CocoEvaluation,
  type Confusion,
  confusionMatrix,
  type ErrorBreakdown,
  errorBreakdown,
  evaluateCoco,
  evaluateVoc,
  type OperatingPoint,
  operatingPoint,
  type VocEvaluation,
  type VocMethod,
} from '../evaluate/index.ts'
import type { CocoResult, Dataset } from '../formats/index.ts'

export interface ScoreOptions {
  /** IoU from which a result is right, for all but COCO's AP. */
  readonly iou: number
  readonly vocMethod: VocMethod
  /** The score for precision, recall, F1 and the confusion matrix. */
  readonly at: number
  readonly confusion: boolean
  readonly errors: boolean
}

/** Everything that is measured about one set of results. */
export interface Scores {
  readonly options: ScoreOptions
  readonly photos: number
  readonly objects: number
  /** Crowds and difficult objects. */
  readonly ignored: number
  readonly results: number
  readonly coco: CocoEvaluation
  readonly voc: VocEvaluation
  readonly point: OperatingPoint
  readonly confusion: Confusion | undefined
  readonly errors: ErrorBreakdown | undefined
}

export function score(dataset: Dataset, results: readonly CocoResult[], options: ScoreOptions): Scores {
  const { iou: iouThreshold, vocMethod: method, at: minScore } = options
  const coco = evaluateCoco(dataset, results)
  const counted = coco.perClass.reduce((sum, { objects }) => sum + objects, 0)
  return {
    options,
    photos: dataset.images.length,
    objects: counted,
    ignored: dataset.annotations.length - counted,
    results: results.length,
    coco,
    voc: evaluateVoc(dataset, results, { iouThreshold, method }),
    point: operatingPoint(dataset, results, { iouThreshold, minScore }),
    confusion: options.confusion ? confusionMatrix(dataset, results, { iouThreshold, minScore }) : undefined,
    errors: options.errors
      ? errorBreakdown(dataset, results, { iouThreshold, backgroundIou: Math.min(0.1, iouThreshold) })
      : undefined,
  }
}

/** The scores for machines: fractions from 0 to 1, null where there is nothing to measure. */
export function scoresJson({ options, coco, voc, point, confusion, errors, ...counts }: Scores): object {
  const { at: minScore, iou: iouThreshold, vocMethod: method } = options
  const { perClass: pointPerClass, ...overall } = point
  return {
    ...counts,
    coco: figures(coco.stats),
    voc: { ...figures({ mAP: voc.mAP }), iouThreshold, method },
    operatingPoint: { minScore, iouThreshold, ...figures(overall) },
    perClass: coco.perClass.map(({ categoryId, name, ...stats }, k) => {
      const { categoryId: _, name: __, ...own } = pointPerClass[k] ?? { categoryId, name }
      return { categoryId, name, ...figures({ ...stats, vocAP: voc.perClass[k]?.AP ?? -1, ...own }) }
    }),
    ...(confusion && { confusion: { labels: confusion.labels, counts: rowsOf(confusion) } }),
    ...(errors && { errors: { ...errors, ...figures({ AP: errors.AP }) } }),
  }
}

/** The confusion matrix as rows: what is there; columns: what was detected. */
export function rowsOf({ labels, counts }: Confusion): number[][] {
  return labels.map((_, k) => [...counts.subarray(k * labels.length, (k + 1) * labels.length)])
}

function figures(values: object): Record<string, number | null> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value < 0 ? null : value]))
}
