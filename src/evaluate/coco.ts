import { unexpected } from '../errors.ts'
import type { CocoInstances, CocoResult } from '../formats/index.ts'
import { cellsByCategory } from './cells.ts'
import { accumulate, type CocoCurves, createCurves } from './coco-accumulate.ts'
import { matchCategory } from './coco-match.ts'
import {
  A,
  COCO_AREAS,
  COCO_IOU_THRESHOLDS,
  COCO_MAX_DETECTIONS,
  COCO_RECALL_THRESHOLDS,
  type CocoArea,
  M,
  R,
} from './coco-parameters.ts'
import { type CocoStats, Mean, summarize } from './coco-stats.ts'
import { scoreCutWarning } from './score-cut.ts'
import { type GroundTruthOptions, tableOf } from './table.ts'

/** The figures of one category. */
export interface CocoClassStats extends CocoStats {
  readonly categoryId: number
  readonly name: string
  /** Objects that count: neither crowds nor ignored. */
  readonly objects: number
  /** Results of this category, also those beyond the hundredth in an image. */
  readonly results: number
}

export interface CocoEvaluation {
  readonly stats: CocoStats
  /** In the order of the category ids; -1 for what a category has no objects of. */
  readonly perClass: readonly CocoClassStats[]
  /** All precision-recall curves; `cocoCurve` takes one out. K is in the order of `perClass`. */
  readonly curves: CocoCurves
  /** What makes the figures doubtful, in whole sentences. */
  readonly warnings: readonly string[]
}

/**
 * COCO's box evaluation: the figures of pycocotools' `COCOeval` with `iouType='bbox'` and its default parameters
 * (https://github.com/cocodataset/cocoapi), equal to 1e-9, ties included.
 *
 * Two differences, both only where pycocotools loses something: an object with id 0 counts like any other, and objects
 * marked `difficult` are ignored unless asked otherwise.
 *
 * @param groundTruth annotations, from `readCocoInstances` or any dataset reader.
 * @param results detections, from `readCocoResults` or `cocoResults`. Those of unknown categories are left out, with a
 * warning.
 * @throws VertebraError `DATA_INVALID` for a result of an image that the ground truth does not have, and for numbers
 * that are not finite.
 *
 * @example
 * const { stats, perClass } = evaluateCoco(readCocoInstances(annotationText), readCocoResults(resultText))
 * console.log(stats.AP, stats.AP50, perClass.map(({ name, AP }) => `${name} ${AP}`))
 */
export function evaluateCoco(
  groundTruth: CocoInstances,
  results: readonly CocoResult[],
  options: GroundTruthOptions = {},
): CocoEvaluation {
  const table = tableOf(groundTruth, results, options)
  const K = table.categories.length
  const curves = createCurves(K)
  const objects = new Uint32Array(K)
  const resultCounts = new Uint32Array(K)
  for (const row of table.results.category) resultCounts[row] = (resultCounts[row] as number) + 1
  for (const [k, cells] of cellsByCategory(table)) {
    const matches = matchCategory(table, cells)
    accumulate(matches, k, K, curves)
    objects[k] = matches.objects[0] as number
  }
  const perClass = table.categories.map(
    ({ id, name }, k): CocoClassStats => ({
      categoryId: id,
      name,
      objects: objects[k] as number,
      results: resultCounts[k] as number,
      ...summarize(curves, K, [k]),
    }),
  )
  const every = perClass.map((_, k) => k)
  return {
    stats: summarize(curves, K, every),
    perClass,
    curves,
    warnings: warningsFor(results, table.unknownCategories),
  }
}

/** What is doubtful about results, in whole sentences. */
export function warningsFor(results: readonly CocoResult[], unknownCategories: number): string[] {
  const unknown =
    unknownCategories === 0
      ? undefined
      : `${unknownCategories} of ${results.length} results have categories that the ground truth does not have; they were left out.`
  return [unknown, scoreCutWarning(results)].filter((warning) => warning !== undefined)
}

export interface CocoCurveOptions {
  /** Default: the mean over all categories that have objects. */
  readonly categoryId?: number | undefined
  /** One of 0.5, 0.55 … 0.95. Default 0.5. */
  readonly iou?: number | undefined
  /** Default `all`. */
  readonly area?: CocoArea | undefined
  /** 1, 10 or 100. Default 100. */
  readonly maxDetections?: number | undefined
}

/** Precision over the 101 recalls 0, 0.01 … 1. */
export interface CocoCurve {
  readonly recall: Float64Array
  /** The highest precision at that recall or beyond; all -1 when there are no objects. */
  readonly precision: Float64Array
}

/**
 * One precision-recall curve of an evaluation.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for a category, IoU, area or maximum that was not evaluated.
 *
 * @example
 * const { recall, precision } = cocoCurve(evaluation, { categoryId: 18, iou: 0.75 })
 */
export function cocoCurve(
  { curves, perClass }: Pick<CocoEvaluation, 'curves' | 'perClass'>,
  { categoryId, iou = 0.5, area = 'all', maxDetections = 100 }: CocoCurveOptions = {},
): CocoCurve {
  const K = perClass.length
  const t = COCO_IOU_THRESHOLDS.findIndex((threshold) => Math.abs(threshold - iou) < 1e-6)
  const a = Object.keys(COCO_AREAS).indexOf(area)
  const m = COCO_MAX_DETECTIONS.indexOf(maxDetections)
  const only = perClass.findIndex((figures) => figures.categoryId === categoryId)
  if (t < 0) throw unexpected('iou', 'one of 0.5, 0.55 … 0.95', iou)
  if (a < 0) throw unexpected('area', `one of ${Object.keys(COCO_AREAS).join(', ')}`, area)
  if (m < 0) throw unexpected('maxDetections', `one of ${COCO_MAX_DETECTIONS.join(', ')}`, maxDetections)
  if (categoryId !== undefined && only < 0) throw unexpected('categoryId', 'the id of a category', categoryId)
  const categories = only < 0 ? perClass.map((_, k) => k) : [only]
  const precision = Float64Array.from({ length: R }, (_, r) => {
    const mean = new Mean()
    for (const k of categories) mean.add(curves.precision[(((t * R + r) * K + k) * A + a) * M + m] as number)
    return mean.value()
  })
  return { recall: Float64Array.from(COCO_RECALL_THRESHOLDS), precision }
}
