import type { CocoCurves } from './coco-accumulate.ts'
import { A, M, R, T } from './coco-parameters.ts'

/** The twelve figures of COCO, 0 to 1; -1 where there is nothing to measure. */
export interface CocoStats {
  /** Average precision: mean over IoU 0.50 to 0.95, at most 100 results per image and category. */
  readonly AP: number
  readonly AP50: number
  readonly AP75: number
  /** Of small objects: up to 32 x 32. */
  readonly APs: number
  readonly APm: number
  /** Of large objects: from 96 x 96. */
  readonly APl: number
  /** Average recall with at most 1, 10, 100 results per image and category. */
  readonly AR1: number
  readonly AR10: number
  readonly AR100: number
  readonly ARs: number
  readonly ARm: number
  readonly ARl: number
}

/** COCOeval.summarize over some of K categories. */
export function summarize(curves: CocoCurves, K: number, categories: readonly number[]): CocoStats {
  const ap = (a: number, thresholds: readonly number[]): number => {
    const mean = new Mean()
    for (const t of thresholds) {
      for (let r = 0; r < R; r++) {
        for (const k of categories) mean.add(curves.precision[(((t * R + r) * K + k) * A + a) * M + M - 1] as number)
      }
    }
    return mean.value()
  }
  const ar = (a: number, m: number): number => {
    const mean = new Mean()
    for (let t = 0; t < T; t++) {
      for (const k of categories) mean.add(curves.recall[((t * K + k) * A + a) * M + m] as number)
    }
    return mean.value()
  }
  const every = Array.from({ length: T }, (_, t) => t)
  return {
    AP: ap(0, every),
    AP50: ap(0, [0]),
    AP75: ap(0, [5]),
    APs: ap(1, every),
    APm: ap(2, every),
    APl: ap(3, every),
    AR1: ar(0, 0),
    AR10: ar(0, 1),
    AR100: ar(0, 2),
    ARs: ar(1, 2),
    ARm: ar(2, 2),
    ARl: ar(3, 2),
  }
}

/** The mean of the values that are there (not -1), or -1. */
export class Mean {
  #sum = 0
  #count = 0

  add(value: number): void {
    if (value < 0) return
    this.#sum += value
    this.#count++
  }

  value(): number {
    return this.#count === 0 ? -1 : this.#sum / this.#count
  }
}
