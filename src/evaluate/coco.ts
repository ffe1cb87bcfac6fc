import type { CocoAnnotation, CocoInstances, CocoResult } from '../formats/index.ts'
import { type Cell, cellsOf, cocoIous } from './match.ts'

/** IoU 0.50, 0.55 … 0.95, in the very numbers of `numpy.linspace`. */
export const COCO_IOU_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : i * ((0.95 - 0.5) / 9) + 0.5,
)
/** Recall 0, 0.01 … 1. */
export const COCO_RECALL_THRESHOLDS: readonly number[] = Array.from({ length: 101 }, (_, i) =>
  i === 100 ? 1 : i * 0.01,
)
/** Square pixels of an object, both ends included. */
export const COCO_AREAS: Readonly<Record<'all' | 'small' | 'medium' | 'large', readonly [low: number, high: number]>> =
  {
    all: [0, 1e10],
    small: [0, 1024],
    medium: [1024, 9216],
    large: [9216, 1e10],
  }
/** Results counted per image and category. */
export const COCO_MAX_DETECTIONS = [1, 10, 100] as const

const IOUS = COCO_IOU_THRESHOLDS.length
const RECALLS = COCO_RECALL_THRESHOLDS.length
const AREAS = Object.values(COCO_AREAS)
const MAXIMA = COCO_MAX_DETECTIONS.length
const MOST = 100

/** The twelve figures of COCO, 0 to 1; -1 where there is nothing to measure. */
export interface CocoFigures {
  /** Mean over IoU 0.50 to 0.95. */
  readonly AP: number
  readonly AP50: number
  readonly AP75: number
  readonly APsmall: number
  readonly APmedium: number
  readonly APlarge: number
  /** Average recall with at most 1, 10, 100 results per image and category. */
  readonly AR1: number
  readonly AR10: number
  readonly AR100: number
  readonly ARsmall: number
  readonly ARmedium: number
  readonly ARlarge: number
}

/** The figures of one category. */
export interface CocoCategoryFigures extends CocoFigures {
  readonly id: number
  readonly name: string
  /** Objects that count (crowds do not). */
  readonly objects: number
}

export interface CocoEvaluation extends CocoFigures {
  /** In the order of the category ids. */
  readonly categories: readonly CocoCategoryFigures[]
  /** `[10 IoU, 101 recall, K, 4 areas, 3 maxima]`; -1 where a category has no objects. */
  readonly precision: Float64Array
  /** `[10 IoU, K, 4 areas, 3 maxima]`. */
  readonly recall: Float64Array
  /** Results of categories that the annotations do not have; they were left out. */
  readonly unknownCategories: number
}

/**
 * COCO's box evaluation: the figures of pycocotools' `COCOeval` with `iouType='bbox'`, crowds ignored, equal to 1e-9.
 * (One difference: an object with id 0 counts here like any other; pycocotools takes it for "no object".)
 *
 * @param instances annotations, from `readCocoInstances`.
 * @param results detections, from `readCocoResults` or `cocoResults`.
 * @throws VertebraError `DATA_INVALID` for a result of an image that the annotations do not have.
 *
 * @example
 * const { AP, AP50 } = evaluateCoco(readCocoInstances(annotationText), readCocoResults(resultText))
 */
export function evaluateCoco(instances: CocoInstances, results: readonly CocoResult[]): CocoEvaluation {
  const { cells, unknownCategories } = cellsOf(instances, results)
  const names = new Map(instances.categories.map(({ id, name }) => [id, name]))
  const K = cells.size
  const precision = new Float64Array(IOUS * RECALLS * K * AREAS.length * MAXIMA).fill(-1)
  const recall = new Float64Array(IOUS * K * AREAS.length * MAXIMA).fill(-1)
  const objects: number[] = []
  let k = 0
  for (const images of cells.values()) {
    objects.push(accumulate(images, precision, recall, k++, K))
  }
  const categories = [...cells.keys()].map(
    (id, index): CocoCategoryFigures => ({
      id,
      name: names.get(id) ?? '',
      objects: objects[index] ?? 0,
      ...figures(precision, recall, K, [index]),
    }),
  )
  const all = figures(precision, recall, K, [...categories.keys()])
  return { ...all, categories, precision, recall, unknownCategories }
}

/** Fills in one category's precision and recall; returns how many objects count. */
function accumulate(
  images: readonly Cell[],
  precision: Float64Array,
  recall: Float64Array,
  k: number,
  K: number,
): number {
  const total = images.reduce((sum, { results }) => sum + Math.min(results.length, MOST), 0)
  const scores = new Float64Array(total)
  const ranks = new Uint8Array(total)
  // Per area and IoU threshold what became of each result.
  const fates = AREAS.map(() => new Uint8Array(IOUS * total))
  const counted = AREAS.map(() => 0)
  let start = 0
  for (const { objects, results } of images) {
    const best = results.slice(0, MOST)
    const ious = cocoIous(best, objects)
    best.forEach(({ score }, rank) => {
      scores[start + rank] = score
      ranks[start + rank] = rank
    })
    AREAS.forEach((range, a) => {
      const ignored = objects.map((object) => object.iscrowd === 1 || !within(object.area, range))
      counted[a] = (counted[a] ?? 0) + ignored.filter((is) => !is).length
      match(best, objects, ious, ignored, range, fates[a] as Uint8Array, start, total)
    })
    start += best.length
  }
  const order = Uint32Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)
  AREAS.forEach((_, a) => {
    const positives = counted[a] ?? 0
    if (positives === 0) return
    COCO_MAX_DETECTIONS.forEach((maximum, m) => {
      for (let t = 0; t < IOUS; t++) {
        const fate = (fates[a] as Uint8Array).subarray(t * total, (t + 1) * total)
        const curve = precisionCurve(order, ranks, fate, maximum, positives)
        recall[((t * K + k) * AREAS.length + a) * MAXIMA + m] = curve.recall
        curve.precision.forEach((value, r) => {
          precision[(((t * RECALLS + r) * K + k) * AREAS.length + a) * MAXIMA + m] = value
        })
      }
    })
  })
  return counted[0] ?? 0
}

const FALSE = 0
const TRUE = 1
const IGNORED = 2

/** The greedy matching of `COCOeval.evaluateImg`, for one image, category and area range. */
function match(
  results: readonly CocoResult[],
  objects: readonly CocoAnnotation[],
  ious: Float64Array,
  ignored: readonly boolean[],
  range: readonly [number, number],
  fates: Uint8Array,
  start: number,
  total: number,
): void {
  const columns = objects.length
  // Objects that count come first.
  const candidates = [...objects.keys()].sort((a, b) => Number(ignored[a]) - Number(ignored[b]))
  const taken = new Uint8Array(columns)
  for (let t = 0; t < IOUS; t++) {
    taken.fill(0)
    const threshold = COCO_IOU_THRESHOLDS[t] as number
    for (let d = 0; d < results.length; d++) {
      let best = Math.min(threshold, 1 - 1e-10)
      let matched = -1
      for (const g of candidates) {
        if (taken[g] === 1 && objects[g]?.iscrowd !== 1) continue
        if (matched >= 0 && !ignored[matched] && ignored[g]) break
        const iou = ious[d * columns + g] as number
        if (iou < best) continue
        best = iou
        matched = g
      }
      let fate = FALSE
      if (matched >= 0) {
        taken[matched] = 1
        fate = ignored[matched] ? IGNORED : TRUE
      } else {
        const [, , width, height] = (results[d] as CocoResult).bbox
        if (!within(width * height, range)) fate = IGNORED
      }
      fates[t * total + start + d] = fate
    }
  }
}

function within(area: number, [low, high]: readonly [number, number]): boolean {
  return area >= low && area <= high
}

/** Precision at the 101 recalls (the highest at that recall or beyond) and the recall reached. */
function precisionCurve(
  order: Uint32Array,
  ranks: Uint8Array,
  fates: Uint8Array,
  maximum: number,
  positives: number,
): { precision: Float64Array; recall: number } {
  const recalls = new Float64Array(order.length)
  const precisions = new Float64Array(order.length)
  let count = 0
  let hits = 0
  let misses = 0
  for (const index of order) {
    if ((ranks[index] as number) >= maximum) continue
    const fate = fates[index]
    if (fate === TRUE) hits++
    else if (fate === FALSE) misses++
    recalls[count] = hits / positives
    precisions[count++] = hits / (misses + hits + Number.EPSILON)
  }
  for (let i = count - 1; i > 0; i--) {
    if ((precisions[i] as number) > (precisions[i - 1] as number)) precisions[i - 1] = precisions[i] as number
  }
  const precision = new Float64Array(RECALLS)
  for (let r = 0, i = 0; r < RECALLS; r++) {
    while (i < count && (recalls[i] as number) < (COCO_RECALL_THRESHOLDS[r] as number)) i++
    if (i === count) break
    precision[r] = precisions[i] as number
  }
  return { precision, recall: count === 0 ? 0 : (recalls[count - 1] as number) }
}

function figures(precision: Float64Array, recall: Float64Array, K: number, categories: readonly number[]): CocoFigures {
  const ap = (a: number, thresholds: readonly number[]): number =>
    meanOf(thresholds, categories, (t, k, add) => {
      for (let r = 0; r < RECALLS; r++) {
        add(precision[(((t * RECALLS + r) * K + k) * AREAS.length + a) * MAXIMA + MAXIMA - 1] as number)
      }
    })
  const ar = (a: number, m: number): number =>
    meanOf(EVERY_IOU, categories, (t, k, add) => add(recall[((t * K + k) * AREAS.length + a) * MAXIMA + m] as number))
  return {
    AP: ap(0, EVERY_IOU),
    AP50: ap(0, [0]),
    AP75: ap(0, [5]),
    APsmall: ap(1, EVERY_IOU),
    APmedium: ap(2, EVERY_IOU),
    APlarge: ap(3, EVERY_IOU),
    AR1: ar(0, 0),
    AR10: ar(0, 1),
    AR100: ar(0, 2),
    ARsmall: ar(1, 2),
    ARmedium: ar(2, 2),
    ARlarge: ar(3, 2),
  }
}

const EVERY_IOU: readonly number[] = [...COCO_IOU_THRESHOLDS.keys()]

/** The mean of all values that are there, or -1. */
function meanOf(
  thresholds: readonly number[],
  categories: readonly number[],
  visit: (t: number, k: number, add: (value: number) => void) => void,
): number {
  let sum = 0
  let count = 0
  for (const t of thresholds) {
    for (const k of categories) {
      visit(t, k, (value) => {
        if (value < 0) return
        sum += value
        count++
      })
    }
  }
  return count === 0 ? -1 : sum / count
}
