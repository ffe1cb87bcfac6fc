import { type CocoMatches, IGNORED, RIGHT } from './coco-match.ts'
import { A, COCO_MAX_DETECTIONS, COCO_RECALL_THRESHOLDS, M, R, T } from './coco-parameters.ts'

/** Precision and recall of K categories; -1 where a category has no objects that count. */
export interface CocoCurves {
  /** `[T, R, K, A, M]`: the highest precision at that recall or beyond it. */
  readonly precision: Float64Array
  /** `[T, R, K, A, M]`: the score at that recall; 0 where it is not reached. */
  readonly scores: Float64Array
  /** `[T, K, A, M]`: the recall reached. */
  readonly recall: Float64Array
}

export function createCurves(K: number): CocoCurves {
  return {
    precision: new Float64Array(T * R * K * A * M).fill(-1),
    scores: new Float64Array(T * R * K * A * M).fill(-1),
    recall: new Float64Array(T * K * A * M).fill(-1),
  }
}

/** COCOeval.accumulate: fills in the curves of category k. */
export function accumulate(
  { scores, ranks, fates, objects }: CocoMatches,
  k: number,
  K: number,
  curves: CocoCurves,
): void {
  const N = scores.length
  const order = new Uint32Array(N).map((_, i) => i)
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)
  const recalls = new Float64Array(N)
  const precisions = new Float64Array(N)
  const rows = new Uint32Array(N)
  for (let m = 0; m < M; m++) {
    const maximum = COCO_MAX_DETECTIONS[m] as number
    let count = 0
    for (const row of order) if ((ranks[row] as number) < maximum) rows[count++] = row
    for (let a = 0; a < A; a++) {
      const positives = objects[a] as number
      if (positives === 0) continue
      for (let t = 0; t < T; t++) {
        const first = (a * T + t) * N
        let hits = 0
        let misses = 0
        for (let i = 0; i < count; i++) {
          const fate = fates[first + (rows[i] as number)] as number
          if (fate === RIGHT) hits++
          else if (fate !== IGNORED) misses++
          recalls[i] = hits / positives
          precisions[i] = hits / (misses + hits + Number.EPSILON)
        }
        for (let i = count - 1; i > 0; i--) {
          if ((precisions[i] as number) > (precisions[i - 1] as number)) precisions[i - 1] = precisions[i] as number
        }
        curves.recall[((t * K + k) * A + a) * M + m] = count === 0 ? 0 : (recalls[count - 1] as number)
        for (let r = 0, i = 0; r < R; r++) {
          while (i < count && (recalls[i] as number) < (COCO_RECALL_THRESHOLDS[r] as number)) i++
          const at = (((t * R + r) * K + k) * A + a) * M + m
          curves.precision[at] = i < count ? (precisions[i] as number) : 0
          curves.scores[at] = i < count ? (scores[rows[i] as number] as number) : 0
        }
      }
    }
  }
}
