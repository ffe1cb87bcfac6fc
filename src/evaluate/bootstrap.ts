import { checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { CocoInstances, CocoResult } from '../formats/index.ts'
import { type Cell, cellsByCategory } from './cells.ts'
import { IGNORED, matchCategory, RIGHT, WRONG, within } from './coco-match.ts'
import { A, COCO_MAX_DETECTIONS, T } from './coco-parameters.ts'
import { drawImages } from './image-weights.ts'
import { type EvaluationTable, type GroundTruthOptions, tableOf } from './table.ts'
import { matchVocImage } from './voc.ts'
import { createRanking, rankingScratch, type WeightedRanking, weightedAveragePrecision } from './weighted-ranking.ts'

export interface BootstrapOptions extends GroundTruthOptions {
  /** How many data sets are drawn. Default 1000. */
  readonly resamples?: number | undefined
  /** Decides which images are drawn: the same seed draws the same ones. A whole number, default 0. */
  readonly seed?: number | undefined
}

/** The figures that are drawn again: those of `CocoStats`, and VOC's mean average precision (every point, IoU 0.5). */
export const BOOTSTRAP_FIGURES = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'mAP'] as const

export type BootstrapFigure = (typeof BOOTSTRAP_FIGURES)[number]

/** Each figure of one result set on every drawn data set; -1 where that had no objects to measure. */
export interface BootstrapSamples {
  readonly resamples: number
  readonly seed: number
  /** Images drawn from. */
  readonly images: number
  readonly figures: Readonly<Record<BootstrapFigure, Float64Array>>
  /** In the order of the category ids. */
  readonly perClass: readonly BootstrapClassSamples[]
}

export interface BootstrapClassSamples {
  readonly categoryId: number
  readonly name: string
  /** Images with objects that count. An interval from a few of them means little: it is too narrow. */
  readonly images: number
  readonly AP: Float64Array
  readonly AP50: Float64Array
}

/**
 * How much the figures of a result set owe to the choice of images: a bootstrap over images (Efron, Tibshirani, *An
 * Introduction to the Bootstrap*, 1993, chapters 6 and 13). As many images as there are, are drawn with replacement,
 * again and again, and every figure is computed on each drawn data set, in which an image may stand several times or not
 * at all. Classes without objects in it are left out of its means.
 *
 * What the images do not have, no draw has either: the interval of a class, and of a mean over classes, is too narrow
 * where objects are on a few images only (see `BootstrapClassSamples.images`).
 *
 * Images do not influence each other's matching, so results are matched once; a draw then only counts each image as often
 * as it was drawn.
 *
 * Two result sets are compared with `bootstrapDifference`: with one seed both are measured on the same draws, which is
 * what makes it a paired comparison.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for a wrong option; `DATA_INVALID` for a result of an unknown image.
 *
 * @example
 * const [a, b] = [bootstrap(dataset, resultsA), bootstrap(dataset, resultsB)]
 * const { low, high } = bootstrapDifference(a.figures.AP, b.figures.AP)
 * console.log(low > 0 ? 'b is better' : high < 0 ? 'a is better' : 'these images do not tell')
 */
export function bootstrap(
  groundTruth: CocoInstances,
  results: readonly CocoResult[],
  options: BootstrapOptions = {},
): BootstrapSamples {
  const { resamples = 1000, seed = 0 } = options
  checkCount('resamples', resamples)
  if (!Number.isSafeInteger(seed)) throw unexpected('seed', 'a whole number', seed)
  const table = tableOf(groundTruth, results, options)
  const images = table.imageIds.length
  const draws = drawImages(images, resamples, seed)
  const means = Object.fromEntries(BOOTSTRAP_FIGURES.map((figure) => [figure, new SampleMeans(resamples)])) as Record<
    BootstrapFigure,
    SampleMeans
  >
  const perClass = table.categories.map(({ id, name }) => ({
    categoryId: id,
    name,
    images: 0,
    AP: new Float64Array(resamples).fill(-1),
    AP50: new Float64Array(resamples).fill(-1),
  }))
  const aps = new Float64Array(T)
  const vocAp = aps.subarray(0, 1)
  for (const [k, cells] of cellsByCategory(table)) {
    const areas = cocoRankings(table, cells)
    const voc = vocRanking(table, cells)
    const scratch = rankingScratch(Math.max(voc.images.length, ...areas.map((ranking) => ranking.images.length)))
    const own = perClass[k]
    if (own) own.images = voc.objectImages.length
    for (let n = 0; n < resamples; n++) {
      const weights = draws.subarray(n * images, (n + 1) * images)
      areas.forEach((ranking, a) => {
        weightedAveragePrecision(ranking, weights, 'coco', scratch, aps)
        const AP = mean(aps)
        means[AREA_FIGURES[a] as BootstrapFigure].add(n, AP)
        if (a > 0 || own === undefined) return
        means.AP50.add(n, aps[0] as number)
        means.AP75.add(n, aps[5] as number)
        own.AP[n] = AP
        own.AP50[n] = aps[0] as number
      })
      weightedAveragePrecision(voc, weights, 'every', scratch, vocAp)
      means.mAP.add(n, vocAp[0] as number)
    }
  }
  const { AP, AP50, AP75, APs, APm, APl, mAP } = means
  const figures = {
    AP: AP.values(),
    AP50: AP50.values(),
    AP75: AP75.values(),
    APs: APs.values(),
    APm: APm.values(),
    APl: APl.values(),
    mAP: mAP.values(),
  }
  return { resamples, seed, images, figures, perClass }
}

/** An interval that holds the true value with the stated confidence. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * The confidence interval of a difference b - a: the percentiles of the differences over the drawn data sets, those
 * without objects left out.
 *
 * @param a, b one figure's samples of two result sets, from `bootstrap` with the same data set, `resamples` and `seed`.
 * @param confidence default 0.95.
 * @returns NaN for both ends when no drawn data set had objects.
 * @throws VertebraError `INVALID_ARGUMENT` for samples of different lengths or a confidence out of range.
 *
 * @example
 * const { low, high } = bootstrapDifference(a.figures.mAP, b.figures.mAP)
 */
export function bootstrapDifference(a: Float64Array, b: Float64Array, confidence = 0.95): Interval {
  if (a.length !== b.length) throw unexpected('b', `${a.length} samples, as a has,`, b.length)
  if (!(confidence > 0 && confidence < 1)) throw unexpected('confidence', 'a number between 0 and 1', confidence)
  const differences = b.map((value, n) => value - (a[n] as number)).filter((_, n) => a[n] !== -1 && b[n] !== -1)
  differences.sort()
  const tail = (1 - confidence) / 2
  return { low: quantile(differences, tail), high: quantile(differences, 1 - tail) }
}

const AREA_FIGURES: readonly BootstrapFigure[] = ['AP', 'APs', 'APm', 'APl']
const MOST = Math.max(...COCO_MAX_DETECTIONS)

/** One category's ranking for each area range. */
function cocoRankings(table: EvaluationTable, cells: readonly Cell[]): WeightedRanking[] {
  const { scores, fates } = matchCategory(table, cells)
  const N = scores.length
  const images = new Uint32Array(N)
  let start = 0
  for (const { image, results } of cells) {
    const end = start + Math.min(results.length, MOST)
    images.fill(image, start, end)
    start = end
  }
  const order = byScore(scores)
  return Array.from({ length: A }, (_, a) => {
    const objects = countedObjects(table, cells, (row) => within(table.objects.areas[row] as number, a))
    return createRanking(order, images, fates.subarray(a * T * N, (a + 1) * T * N), objects)
  })
}

function vocRanking(table: EvaluationTable, cells: readonly Cell[]): WeightedRanking {
  const right = new Uint8Array(table.results.count)
  const counts = new Uint8Array(table.results.count).fill(1)
  for (const cell of cells) matchVocImage(table, cell, 0.5, right, counts)
  const rows = Uint32Array.from(cells.flatMap(({ results }) => [...results])).sort()
  const fates = Uint8Array.from(rows, (row) => (counts[row] === 0 ? IGNORED : right[row] === 1 ? RIGHT : WRONG))
  const scores = Float64Array.from(rows, (row) => table.results.scores[row] as number)
  const images = rows.map((row) => table.results.image[row] as number)
  return createRanking(
    byScore(scores),
    images,
    fates,
    countedObjects(table, cells, () => true),
  )
}

function byScore(scores: Float64Array): Uint32Array {
  const order = new Uint32Array(scores.length).map((_, i) => i)
  return order.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)
}

function countedObjects(
  table: EvaluationTable,
  cells: readonly Cell[],
  admits: (row: number) => boolean,
): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { image, objects } of cells) {
    const count = objects.filter((row) => table.objects.ignored[row] === 0 && admits(row)).length
    if (count > 0) counts.set(image, count)
  }
  return counts
}

/** The mean of a figure over categories, for every sample. */
class SampleMeans {
  readonly #sums: Float64Array
  readonly #counts: Uint32Array

  constructor(resamples: number) {
    this.#sums = new Float64Array(resamples)
    this.#counts = new Uint32Array(resamples)
  }

  add(sample: number, value: number): void {
    if (value < 0) return
    this.#sums[sample] = (this.#sums[sample] as number) + value
    this.#counts[sample] = (this.#counts[sample] as number) + 1
  }

  values(): Float64Array {
    return this.#sums.map((sum, n) => (this.#counts[n] === 0 ? -1 : sum / (this.#counts[n] as number)))
  }
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The value below which a share of the sorted values lies, linear between two of them; NaN without any. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
  if (low === undefined || high === undefined) return Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}
