import { IGNORED, RIGHT, WRONG } from './coco-match.ts'
import { COCO_RECALL_THRESHOLDS } from './coco-parameters.ts'

const RECALLS = Float64Array.from(COCO_RECALL_THRESHOLDS)

/**
 * The matched results of one category, kept so that average precision can be computed again and again with each image
 * counted any number of times. Most results find nothing at any threshold; they are only counted, and the few others
 * are listed per threshold.
 */
export interface WeightedRanking {
  /** Image of each result, highest score first. */
  readonly images: Uint32Array
  /** Per threshold, the places of the results that found an object or are ignored: `place * 2 + (ignored ? 1 : 0)`. */
  readonly marked: readonly Uint32Array[]
  /** Images with objects that count, and how many they have. */
  readonly objectImages: Uint32Array
  readonly objectCounts: Uint32Array
}

/**
 * @param order rows of `images`, highest score first.
 * @param images image of each row.
 * @param fates `[thresholds, rows]` of `WRONG`, `RIGHT`, `IGNORED`.
 * @param objects per image with objects that count, how many.
 */
export function createRanking(
  order: Uint32Array,
  images: Uint32Array,
  fates: Uint8Array,
  objects: ReadonlyMap<number, number>,
): WeightedRanking {
  const N = images.length
  const thresholds = N === 0 ? 0 : fates.length / N
  const counted = order.filter((row) => {
    for (let t = 0; t < thresholds; t++) if (fates[t * N + row] !== IGNORED) return true
    return false
  })
  const marked = Array.from({ length: thresholds }, (_, t) => {
    const places: number[] = []
    counted.forEach((row, place) => {
      const fate = fates[t * N + row] as number
      if (fate !== WRONG) places.push(place * 2 + (fate === RIGHT ? 0 : 1))
    })
    return Uint32Array.from(places)
  })
  return {
    images: counted.map((row) => images[row] as number),
    marked,
    objectImages: Uint32Array.from(objects.keys()),
    objectCounts: Uint32Array.from(objects.values()),
  }
}

/** Room for one ranking's sums; made once for the longest. */
export interface RankingScratch {
  readonly before: Uint32Array
  readonly recall: Float64Array
  readonly precision: Float64Array
}

export function rankingScratch(results: number): RankingScratch {
  return {
    before: new Uint32Array(results + 1),
    recall: new Float64Array(results),
    precision: new Float64Array(results),
  }
}

/**
 * Average precision of a ranking at each of its thresholds with image i counted `weights[i]` times; all -1 when no
 * objects are left. Equal to evaluating a data set in which each image stands that many times; only where results of one
 * image have equal scores may the order of its copies differ.
 *
 * @param points `coco`: mean of the precision at 101 recalls; `every`: area under the curve, as VOC.
 * @param out receives one figure per threshold.
 */
export function weightedAveragePrecision(
  { images, marked, objectImages, objectCounts }: WeightedRanking,
  weights: Uint8Array,
  points: 'coco' | 'every',
  scratch: RankingScratch,
  out: Float64Array,
): void {
  const { before, recall, precision } = scratch
  let positives = 0
  for (let i = 0; i < objectImages.length; i++) {
    positives += (weights[objectImages[i] as number] as number) * (objectCounts[i] as number)
  }
  if (positives === 0) {
    out.fill(-1)
    return
  }
  out.fill(0)
  let sum = 0
  for (let i = 0; i < images.length; i++) {
    sum += weights[images[i] as number] as number
    before[i + 1] = sum
  }
  for (let t = 0; t < marked.length; t++) {
    const places = marked[t] as Uint32Array
    let hits = 0
    let ignored = 0
    // Precision peaks where an object is found, so nothing else has to be looked at.
    let peaks = 0
    for (let i = 0; i < places.length; i++) {
      const place = (places[i] as number) >> 1
      const weight = weights[images[place] as number] as number
      if (weight === 0) continue
      if (((places[i] as number) & 1) === 1) {
        ignored += weight
        continue
      }
      hits += weight
      recall[peaks] = hits / positives
      precision[peaks++] = hits / ((before[place + 1] as number) - ignored + Number.EPSILON)
    }
    for (let i = peaks - 1; i > 0; i--) {
      if ((precision[i] as number) > (precision[i - 1] as number)) precision[i - 1] = precision[i] as number
    }
    out[t] = points === 'coco' ? atRecalls(recall, precision, peaks) : areaUnder(recall, precision, peaks)
  }
}

function atRecalls(recall: Float64Array, highest: Float64Array, peaks: number): number {
  let sum = 0
  for (let r = 0, i = 0; r < RECALLS.length; r++) {
    while (i < peaks && (recall[i] as number) < (RECALLS[r] as number)) i++
    if (i === peaks) break
    sum += highest[i] as number
  }
  return sum / RECALLS.length
}

function areaUnder(recall: Float64Array, highest: Float64Array, peaks: number): number {
  let area = 0
  for (let i = 0; i < peaks; i++) {
    area += ((recall[i] as number) - (i === 0 ? 0 : (recall[i - 1] as number))) * (highest[i] as number)
  }
  return area
}
