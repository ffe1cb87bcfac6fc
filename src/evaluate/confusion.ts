import type { CocoInstances, CocoResult } from '../formats/index.ts'
import { type Cell, imageCells } from './cells.ts'
import { iouRow } from './match.ts'
import type { OperatingPointOptions } from './operating-point.ts'
import { checkIou, checkScore } from './options.ts'
import { type EvaluationTable, tableOf } from './table.ts'

/** Which classes are taken for which. */
export interface Confusion {
  /** K class names in the order of the category ids, then `background`. */
  readonly labels: readonly string[]
  /**
   * `[K + 1, K + 1]`: row, what is there; column, what was detected. Row K holds results where nothing is, column K
   * objects that were not found.
   */
  readonly counts: Uint32Array
}

/**
 * The confusion matrix of the results with at least `minScore`: results and objects are paired by overlap alone,
 * whatever their class, as Ultralytics' `ConfusionMatrix` does: the pair of the highest IoU first, each result and object
 * once. Of equal overlaps, the pair of one class comes first, then the higher score.
 *
 * Crowds and difficult objects are no rows; an unpaired result of which `iouThreshold` lies on one of its class is left
 * out.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for a wrong option; `DATA_INVALID` for a result of an unknown image.
 *
 * @example
 * const { labels, counts } = confusionMatrix(dataset, results)
 * const dogsTakenForCats = counts[labels.indexOf('dog') * labels.length + labels.indexOf('cat')]
 */
export function confusionMatrix(
  groundTruth: CocoInstances,
  results: readonly CocoResult[],
  options: OperatingPointOptions = {},
): Confusion {
  const minScore = checkScore('minScore', options.minScore ?? 0.5)
  const iouThreshold = checkIou('iouThreshold', options.iouThreshold ?? 0.5)
  const table = tableOf(groundTruth, results, options)
  const background = table.categories.length
  const counts = new Uint32Array((background + 1) ** 2)
  const add = (actual: number, detected: number): void => {
    const at = actual * (background + 1) + detected
    counts[at] = (counts[at] as number) + 1
  }
  for (const cell of imageCells(table)) {
    const { ignored, category } = table.objects
    const objects = cell.objects.filter((row) => ignored[row] === 0)
    const regions = cell.objects.filter((row) => ignored[row] === 1)
    const rows = cell.results.filter((row) => (table.results.scores[row] as number) >= minScore)
    const matches = pairByOverlap(table, objects, rows, iouThreshold)
    const found = new Uint8Array(objects.length)
    rows.forEach((row, d) => {
      const match = matches[d] as number
      const detected = table.results.category[row] as number
      if (match >= 0) {
        found[match] = 1
        add(category[objects[match] as number] as number, detected)
      } else if (!liesOnRegion(table, row, regions, iouThreshold)) {
        add(background, detected)
      }
    })
    objects.forEach((row, g) => {
      if (found[g] === 0) add(category[row] as number, background)
    })
  }
  return { labels: [...table.categories.map(({ name }) => name), 'background'], counts }
}

/** Per result the place of its object or -1. */
function pairByOverlap(
  table: EvaluationTable,
  objects: Cell['objects'],
  results: Cell['results'],
  threshold: number,
): Int32Array {
  const pairs: { iou: number; d: number; g: number; same: boolean }[] = []
  const ious = new Float64Array(objects.length)
  results.forEach((row, d) => {
    iouRow(table, row, objects, undefined, ious)
    ious.forEach((iou, g) => {
      if (!(iou >= threshold)) return
      pairs.push({ iou, d, g, same: table.results.category[row] === table.objects.category[objects[g] as number] })
    })
  })
  pairs.sort((a, b) => b.iou - a.iou || Number(b.same) - Number(a.same) || a.d - b.d || a.g - b.g)
  const matches = new Int32Array(results.length).fill(-1)
  const found = new Uint8Array(objects.length)
  for (const { d, g } of pairs) {
    if (matches[d] !== -1 || found[g] === 1) continue
    matches[d] = g
    found[g] = 1
  }
  return matches
}

/** Whether at least `threshold` of a result's area lies on a region of its class. */
export function liesOnRegion(table: EvaluationTable, row: number, regions: Uint32Array, threshold: number): boolean {
  const own = regions.filter((region) => table.objects.category[region] === table.results.category[row])
  const ious = new Float64Array(own.length)
  iouRow(table, row, own, table.objects.ignored, ious)
  return ious.some((iou) => iou >= threshold)
}
