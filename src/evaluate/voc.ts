import { unexpected } from '../errors.ts'
import type { CocoInstances, CocoResult } from '../formats/index.ts'
import { type Cell, categoryCells } from './cells.ts'
import { warningsFor } from './coco.ts'
import { Mean } from './coco-stats.ts'
import { iouRow } from './match.ts'
import { checkIou } from './options.ts'
import { type EvaluationTable, type GroundTruthOptions, tableOf } from './table.ts'
import { averagePrecision, type VocMethod } from './voc-average-precision.ts'

export interface VocOptions extends GroundTruthOptions {
  /** A result is right when its IoU with an object is at least this. Default 0.5. */
  readonly iouThreshold?: number | undefined
  /** `every-point` (VOC 2010 on; the default) or `eleven-point` (VOC 2007). */
  readonly method?: VocMethod | undefined
  /**
   * What a box's width and height mean. `half-open`, the default: they cover that many pixels, as everywhere in this
   * library; boxes read from VOC files by this library are of this form, and their IoU is the development kit's.
   * `inclusive`: the far corner x + width still belongs to the box, which covers width + 1 pixels; for boxes that were
   * made by subtracting VOC corners.
   */
  readonly pixels?: 'half-open' | 'inclusive' | undefined
}

/** One class of a VOC evaluation. */
export interface VocClassStats {
  readonly categoryId: number
  readonly name: string
  /** Average precision, 0 to 1; -1 when the class has no objects that count. */
  readonly AP: number
  /** Objects that count (not difficult, no crowd). */
  readonly objects: number
  /** Recall and precision after each result that counts, and its score, highest score first. */
  readonly recall: Float64Array
  readonly precision: Float64Array
  readonly scores: Float64Array
}

export interface VocEvaluation {
  /** Mean of the classes' AP, without those that have no objects; -1 when none has. */
  readonly mAP: number
  /** In the order of the category ids. */
  readonly perClass: readonly VocClassStats[]
  /** What makes the figures doubtful, in whole sentences. */
  readonly warnings: readonly string[]
}

/**
 * VOC's mean average precision, as `VOCevaldet.m` and `VOCap.m` of the VOC2012 development kit compute it
 * (Everingham et al. 2010, section 4.2): from the highest score on, a result is right when the object it overlaps most
 * was not found before. Results that overlap a difficult object (or a crowd) most do not count. Of equal scores, the
 * first in file order by image comes first.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for a wrong option; `DATA_INVALID` for a result of an unknown image.
 *
 * @example
 * const { mAP, perClass } = evaluateVoc(dataset, results, { method: 'eleven-point' })
 */
export function evaluateVoc(
  groundTruth: CocoInstances,
  results: readonly CocoResult[],
  options: VocOptions = {},
): VocEvaluation {
  const { iouThreshold = 0.5, method = 'every-point', pixels = 'half-open' } = options
  checkIou('iouThreshold', iouThreshold)
  if (method !== 'every-point' && method !== 'eleven-point') {
    throw unexpected('method', "'every-point' or 'eleven-point'", method)
  }
  if (pixels !== 'half-open' && pixels !== 'inclusive') throw unexpected('pixels', "'half-open' or 'inclusive'", pixels)
  const table = tableOf(groundTruth, results, options)
  if (pixels === 'inclusive') {
    for (const { boxes } of [table.objects, table.results]) {
      for (let i = 2; i < boxes.length; i += 4) {
        boxes[i] = (boxes[i] as number) + 1
        boxes[i + 1] = (boxes[i + 1] as number) + 1
      }
    }
  }
  const right = new Uint8Array(table.results.count)
  const counts = new Uint8Array(table.results.count).fill(1)
  const objects = new Uint32Array(table.categories.length)
  const rows: number[][] = table.categories.map(() => [])
  for (const cell of categoryCells(table)) {
    for (const row of cell.objects) {
      if (table.objects.ignored[row] === 0) objects[cell.category] = (objects[cell.category] as number) + 1
    }
    for (const row of cell.results) rows[cell.category]?.push(row)
    matchVocImage(table, cell, iouThreshold, right, counts)
  }
  const { scores } = table.results
  const mean = new Mean()
  const perClass = table.categories.map(({ id, name }, k): VocClassStats => {
    const order = Uint32Array.from((rows[k] ?? []).filter((row) => counts[row] === 1))
    order.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)
    const curve = curveOf(order, right, objects[k] as number)
    const AP = objects[k] === 0 ? -1 : averagePrecision(curve.recall, curve.precision, method)
    mean.add(AP)
    const ownScores = Float64Array.from(order, (row) => scores[row] as number)
    return { categoryId: id, name, AP, objects: objects[k] as number, ...curve, scores: ownScores }
  })
  return { mAP: mean.value(), perClass, warnings: warningsFor(results, table.unknownCategories) }
}

/**
 * Marks which results of one class in one image are right, and which do not count.
 *
 * @param right, counts one flag per row of the result table; `counts` is 1 beforehand.
 */
export function matchVocImage(
  table: EvaluationTable,
  { objects, results }: Cell,
  threshold: number,
  right: Uint8Array,
  counts: Uint8Array,
): void {
  const ious = new Float64Array(objects.length)
  const found = new Uint8Array(objects.length)
  for (const row of results) {
    iouRow(table, row, objects, undefined, ious)
    let best = -1
    let most = 0
    for (let g = 0; g < ious.length; g++) {
      const iou = ious[g] as number
      if (iou > most) {
        best = g
        most = iou
      }
    }
    if (best < 0 || most < threshold) continue
    if (table.objects.ignored[objects[best] as number] === 1) counts[row] = 0
    else if (found[best] === 0) right[row] = found[best] = 1
  }
}

function curveOf(
  order: Uint32Array,
  right: Uint8Array,
  objects: number,
): { recall: Float64Array; precision: Float64Array } {
  const recall = new Float64Array(order.length)
  const precision = new Float64Array(order.length)
  let hits = 0
  order.forEach((row, i) => {
    hits += right[row] as number
    recall[i] = objects === 0 ? 0 : hits / objects
    precision[i] = hits / (i + 1)
  })
  return { recall, precision }
}
