import type { Cell } from './cells.ts'
import { A, COCO_AREAS, COCO_IOU_THRESHOLDS, COCO_MAX_DETECTIONS, T } from './coco-parameters.ts'
import { bestMatch, countedFirst, iouRow } from './match.ts'
import type { EvaluationTable } from './table.ts'

/** What became of a result: nothing was there, it found an object, or it is left out of the count. */
export const WRONG = 0
export const RIGHT = 1
export const IGNORED = 2

/** What became of one category's results at every area range and IoU threshold. */
export interface CocoMatches {
  /** N: at most 100 per image, images in order, each image's by falling score. */
  readonly scores: Float64Array
  /** Place of each result within its image, from 0. */
  readonly ranks: Uint8Array
  /** `[A, T, N]` of `WRONG`, `RIGHT`, `IGNORED`. */
  readonly fates: Uint8Array
  /** Objects that count, per area range. */
  readonly objects: Uint32Array
}

const AREAS = Object.values(COCO_AREAS)
const MOST = Math.max(...COCO_MAX_DETECTIONS)
const LEAST_IOU = Math.min(...COCO_IOU_THRESHOLDS)

/** COCOeval.evaluateImg for all images of one category. */
export function matchCategory(table: EvaluationTable, cells: readonly Cell[]): CocoMatches {
  const N = cells.reduce((sum, { results }) => sum + Math.min(results.length, MOST), 0)
  const most = cells.reduce((count, { objects }) => Math.max(count, objects.length), 0)
  const scores = new Float64Array(N)
  const ranks = new Uint8Array(N)
  const fates = new Uint8Array(A * T * N)
  const counted = new Uint32Array(A)
  const scratch = {
    ious: new Float64Array(MOST * most),
    ignored: new Uint8Array(most),
    regions: new Uint8Array(most),
    taken: new Uint8Array(most),
    candidates: new Uint32Array(most),
  }
  let start = 0
  for (const { objects, results } of cells) {
    const best = results.subarray(0, MOST)
    const D = best.length
    for (let d = 0; d < D; d++) {
      scores[start + d] = table.results.scores[best[d] as number] as number
      ranks[start + d] = d
    }
    matchImage(objects, best)
    start += D
  }
  return { scores, ranks, fates, objects: counted }

  function matchImage(objects: Uint32Array, results: Uint32Array): void {
    const { ious, ignored, regions, taken } = scratch
    const [D, G] = [results.length, objects.length]
    const candidates = scratch.candidates.subarray(0, G)
    let overlap = false
    for (let g = 0; g < G; g++) regions[g] = table.objects.ignored[objects[g] as number] as number
    for (let d = 0; d < D; d++) iouRow(table, results[d] as number, objects, table.objects.ignored, ious, d * G)
    for (let i = 0; i < D * G && !overlap; i++) overlap = (ious[i] as number) >= LEAST_IOU
    for (let a = 0; a < A; a++) {
      for (let g = 0; g < G; g++) {
        const outside = !within(table.objects.areas[objects[g] as number] as number, a)
        ignored[g] = regions[g] === 1 || outside ? 1 : 0
        if (ignored[g] === 0) counted[a] = (counted[a] as number) + 1
      }
      if (overlap) countedFirst(ignored, candidates)
      for (let t = 0; t < T; t++) {
        const row = (a * T + t) * N + start
        const threshold = COCO_IOU_THRESHOLDS[t] as number
        if (overlap) taken.fill(0, 0, G)
        for (let d = 0; d < D; d++) {
          const match = overlap ? bestMatch(ious, d * G, candidates, ignored, regions, taken, threshold) : -1
          if (match >= 0) {
            taken[match] = 1
            fates[row + d] = ignored[match] === 1 ? IGNORED : RIGHT
          } else {
            fates[row + d] = within(areaOf(results[d] as number), a) ? WRONG : IGNORED
          }
        }
      }
    }
  }

  function areaOf(result: number): number {
    return (table.results.boxes[result * 4 + 2] as number) * (table.results.boxes[result * 4 + 3] as number)
  }
}

/** Whether an area in square pixels lies in an area range. */
export function within(area: number, range: number): boolean {
  const [low, high] = AREAS[range] as (typeof AREAS)[number]
  return area >= low && area <= high
}
