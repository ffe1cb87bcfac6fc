import { unexpected } from '../errors.ts'
import type { CocoInstances, CocoResult } from '../formats/index.ts'
import { COCO_RECALL_THRESHOLDS } from './coco-parameters.ts'
import { Mean } from './coco-stats.ts'
import { ERROR_KINDS, type ErrorKind, type Judgement, judge } from './error-kinds.ts'
import { checkIou } from './options.ts'
import { type GroundTruthOptions, tableOf } from './table.ts'

export interface ErrorBreakdownOptions extends GroundTruthOptions {
  /** Least IoU of a right result. Default 0.5. */
  readonly iouThreshold?: number | undefined
  /** Below this IoU a result is on background. Default 0.1. */
  readonly backgroundIou?: number | undefined
}

export interface ErrorBreakdown {
  /** Average precision at `iouThreshold` (101 recalls; 100 results per image in all), mean over the classes with objects. */
  readonly AP: number
  /** How many errors of each kind there are. */
  readonly counts: Readonly<Record<ErrorKind, number>>
  /** By how much AP would rise if only the errors of that kind were mended: TIDE's main figure, which weighs by score. */
  readonly gains: Readonly<Record<ErrorKind, number>>
  /** Errors per class: of results by the class they say, missed objects by their own. */
  readonly perClass: readonly ErrorClassCounts[]
}

export interface ErrorClassCounts {
  readonly categoryId: number
  readonly name: string
  readonly counts: Readonly<Record<ErrorKind, number>>
}

/**
 * What is wrong with the results, by the definitions of TIDE (Bolya et al. 2020, "TIDE: A General Toolbox for
 * Identifying Object Detection Errors", section 2.2). A wrong result is, the first that fits:
 *
 * - `localisation`: overlaps an object of its class, but by less than `iouThreshold` (and at least `backgroundIou`);
 * - `class`: overlaps an object of another class by at least `iouThreshold`;
 * - `duplicate`: overlaps an object of its class that a result of a higher score has found;
 * - `background`: overlaps every object by less than `backgroundIou`;
 * - `both`: overlaps an object of another class, by less than `iouThreshold`.
 *
 * `missed` are objects that were not found and that no `class` or `localisation` error stands for. Mending moves the
 * highest-scoring `class` or `localisation` error of an object not found onto it, leaves out all other wrong results,
 * and takes missed objects out of the count.
 *
 * At most 100 results per image count, as in TIDE. Classes without objects are not part of the mean (TIDE counts those
 * with results as 0).
 *
 * @throws VertebraError `INVALID_ARGUMENT` for a wrong option; `DATA_INVALID` for a result of an unknown image.
 *
 * @example
 * const { counts, gains } = errorBreakdown(dataset, results)
 * console.log(`${counts.missed} missed; without background errors AP50 would be ${gains.background} higher`)
 */
export function errorBreakdown(
  groundTruth: CocoInstances,
  results: readonly CocoResult[],
  options: ErrorBreakdownOptions = {},
): ErrorBreakdown {
  const iouThreshold = checkIou('iouThreshold', options.iouThreshold ?? 0.5)
  const backgroundIou = checkIou('backgroundIou', options.backgroundIou ?? 0.1)
  if (backgroundIou > iouThreshold) throw unexpected('backgroundIou', `at most ${iouThreshold}`, backgroundIou)
  const table = tableOf(groundTruth, results, options)
  const judgement = judge(table, iouThreshold, backgroundIou)
  judgement.results.sort((a, b) => b.score - a.score)
  const perClass = table.categories.map(({ id, name }, k) => ({
    categoryId: id,
    name,
    counts: { ...recordOf(() => 0), missed: judgement.missed[k] as number },
  }))
  for (const { category, error } of judgement.results) {
    const own = perClass[category]
    if (own && error) own.counts[error]++
  }
  const AP = meanAp(judgement, undefined)
  return {
    AP,
    counts: recordOf((kind) => perClass.reduce((sum, { counts }) => sum + counts[kind], 0)),
    gains: recordOf((kind) => Math.max(meanAp(judgement, kind) - AP, 0)),
    perClass,
  }
}

function recordOf(numberOf: (kind: ErrorKind) => number): Record<ErrorKind, number> {
  const [a, b, c, d, e, f] = ERROR_KINDS
  return { [a]: numberOf(a), [b]: numberOf(b), [c]: numberOf(c), [d]: numberOf(d), [e]: numberOf(e), [f]: numberOf(f) }
}

/** Mean AP over the classes with objects, with the errors of one kind mended. */
function meanAp({ results, objects, missed }: Judgement, mended: ErrorKind | undefined): number {
  const right: boolean[][] = Array.from(objects, () => [])
  for (const result of results) {
    if (result.error === undefined || result.error !== mended) {
      right[result.category]?.push(result.error === undefined)
    } else if (result.mended >= 0) {
      right[result.mended]?.push(true)
    }
  }
  const mean = new Mean()
  objects.forEach((count, k) => {
    if (count === 0) return
    const positives = mended === 'missed' ? count - (missed[k] as number) : count
    // A class of which nothing is left, neither objects nor results, leaves the mean.
    if (positives === 0 && right[k]?.length === 0) return
    mean.add(averagePrecision(right[k] ?? [], positives))
  })
  return mean.value()
}

/** Precision, made never to rise with recall, averaged over COCO's 101 recalls; 0 without positives. */
function averagePrecision(right: readonly boolean[], positives: number): number {
  if (positives === 0) return 0
  const recall = new Float64Array(right.length)
  const precision = new Float64Array(right.length)
  let hits = 0
  right.forEach((is, i) => {
    if (is) hits++
    recall[i] = hits / positives
    precision[i] = hits / (i + 1)
  })
  for (let i = right.length - 1; i > 0; i--) {
    precision[i - 1] = Math.max(precision[i - 1] as number, precision[i] as number)
  }
  let sum = 0
  let i = 0
  for (const threshold of COCO_RECALL_THRESHOLDS) {
    while (i < right.length && (recall[i] as number) < threshold) i++
    if (i < right.length) sum += precision[i] as number
  }
  return sum / COCO_RECALL_THRESHOLDS.length
}
