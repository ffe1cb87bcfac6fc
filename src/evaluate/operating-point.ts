import type { CocoInstances, CocoResult } from '../formats/index.ts'
import { categoryCells } from './cells.ts'
import { bestMatch, countedFirst, iouRow } from './match.ts'
import { checkIou, checkScore } from './options.ts'
import { type GroundTruthOptions, tableOf } from './table.ts'

export interface OperatingPointOptions extends GroundTruthOptions {
  /** Results below this score are left out. Default 0.5. */
  readonly minScore?: number | undefined
  /** Least IoU of a result and the object it finds. Default 0.5. */
  readonly iouThreshold?: number | undefined
}

/** How good the results at and above a score are. */
export interface PointStats {
  readonly truePositives: number
  readonly falsePositives: number
  readonly falseNegatives: number
  /** Right results / results; -1 without results. */
  readonly precision: number
  /** Found objects / objects; -1 without objects. */
  readonly recall: number
  /** Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN); -1 with neither objects nor results. */
  readonly F1: number
}

export interface ClassPointStats extends PointStats {
  readonly categoryId: number
  readonly name: string
}

export interface OperatingPoint extends PointStats {
  /** In the order of the category ids. */
  readonly perClass: readonly ClassPointStats[]
}

/**
 * Precision, recall and F1 of the results with at least `minScore`, over all classes (summed counts) and per class.
 * Results and objects are matched as COCO does: from the highest score on, each result takes the free object of its
 * class that it overlaps most. Results on crowds and difficult objects do not count.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for a wrong option; `DATA_INVALID` for a result of an unknown image.
 *
 * @example
 * const { precision, recall, F1 } = operatingPoint(dataset, results, { minScore: 0.6 })
 */
export function operatingPoint(
  groundTruth: CocoInstances,
  results: readonly CocoResult[],
  options: OperatingPointOptions = {},
): OperatingPoint {
  const minScore = checkScore('minScore', options.minScore ?? 0.5)
  const iouThreshold = checkIou('iouThreshold', options.iouThreshold ?? 0.5)
  const table = tableOf(groundTruth, results, options)
  const counts = table.categories.map(() => ({ hits: 0, misses: 0, objects: 0 }))
  for (const { category, objects, results: rows } of categoryCells(table)) {
    const count = counts[category] as { hits: number; misses: number; objects: number }
    const ignored = Uint8Array.from(objects, (row) => table.objects.ignored[row] as number)
    const candidates = new Uint32Array(objects.length)
    const taken = new Uint8Array(objects.length)
    const ious = new Float64Array(objects.length)
    countedFirst(ignored, candidates)
    for (const flag of ignored) count.objects += 1 - flag
    for (const row of rows) {
      if ((table.results.scores[row] as number) < minScore) break
      iouRow(table, row, objects, table.objects.ignored, ious)
      const match = bestMatch(ious, 0, candidates, ignored, ignored, taken, iouThreshold)
      if (match < 0) count.misses++
      else if (ignored[match] === 0) count.hits++
      if (match >= 0) taken[match] = 1
    }
  }
  const sum = (field: 'hits' | 'misses' | 'objects'): number => counts.reduce((total, count) => total + count[field], 0)
  return {
    ...pointStats(sum('hits'), sum('misses'), sum('objects')),
    perClass: table.categories.map(({ id, name }, k): ClassPointStats => {
      const { hits, misses, objects } = counts[k] as { hits: number; misses: number; objects: number }
      return { categoryId: id, name, ...pointStats(hits, misses, objects) }
    }),
  }
}

function pointStats(hits: number, misses: number, objects: number): PointStats {
  const ratio = (part: number, whole: number): number => (whole === 0 ? -1 : part / whole)
  return {
    truePositives: hits,
    falsePositives: misses,
    falseNegatives: objects - hits,
    precision: ratio(hits, hits + misses),
    recall: ratio(hits, objects),
    F1: ratio(2 * hits, hits + misses + objects),
  }
}
