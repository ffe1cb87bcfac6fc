import { unexpected } from '../errors.ts'
import type { Boxes } from './boxes.ts'
import { iou } from './iou.ts'
import { checkNms, type NmsOptions } from './nms.ts'

/** The rule of `softNms`. */
export interface SoftNmsOptions extends NmsOptions {
  /** `linear`: times 1 - IoU where IoU > `iouThreshold`. `gaussian`: times exp(-IoU² / `sigma`), always. */
  readonly kind: 'linear' | 'gaussian'
  /** Used by `linear` only. */
  readonly iouThreshold: number
  /** Used by `gaussian` only. Default 0.5, the paper's. */
  readonly sigma?: number | undefined
  /** A box whose score falls below this is dropped. Default 0.001, the paper's code's. */
  readonly minScore?: number | undefined
}

/** What `softNms` keeps, highest new score first. */
export interface SoftNmsResult {
  readonly indices: Uint32Array
  /** The lowered scores of `indices`. */
  readonly scores: Float32Array
}

/**
 * Soft-NMS (Bodla et al. 2017, figure 2): the box with the highest score stays, and the scores of those that overlap
 * it are lowered instead of cut. Equal to the authors' code (whose corners are `pixels`), with the lower index first
 * among equal scores. With `groups`, equal to one run per group, merged by score.
 *
 * A box whose score is NaN is dropped.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when lengths do not fit or an option is out of its range.
 *
 * @example
 * const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 5)
 * softNms(boxes, Float32Array.of(0.9, 0.8), { kind: 'linear', iouThreshold: 0.3 })
 * // indices [0, 1], scores [0.9, 0.4]
 */
export function softNms(boxes: Boxes, scores: Float32Array, options: SoftNmsOptions): SoftNmsResult {
  const { kind, iouThreshold, sigma = 0.5, minScore = 0.001, groups, maxCount = scores.length, corners } = options
  checkNms(boxes, scores, iouThreshold, groups, maxCount)
  if (kind !== 'linear' && kind !== 'gaussian') throw unexpected('kind', '"linear" or "gaussian"', kind)
  if (!(sigma > 0)) throw unexpected('sigma', 'a number above 0', sigma)

  const lowered = scores.slice()
  // Indices still in the race, in any order.
  const active = new Uint32Array(scores.length)
  let remaining = 0
  for (let i = 0; i < scores.length; i++) if (!Number.isNaN(scores[i])) active[remaining++] = i

  const kept = new Uint32Array(Math.min(maxCount, remaining))
  let count = 0
  while (remaining > 0 && count < kept.length) {
    let best = 0
    for (let slot = 1; slot < remaining; slot++) {
      const index = active[slot] as number
      const leader = active[best] as number
      const difference = (lowered[index] as number) - (lowered[leader] as number)
      if (difference > 0 || (difference === 0 && index < leader)) best = slot
    }
    const winner = active[best] as number
    kept[count++] = winner
    active[best] = active[--remaining] as number

    const group = groups?.[winner]
    for (let slot = remaining - 1; slot >= 0; slot--) {
      const index = active[slot] as number
      if (groups?.[index] !== group) continue
      const overlap = iou(boxes, winner, boxes, index, corners)
      if (overlap === 0) continue
      if (kind === 'gaussian') lowered[index] = (lowered[index] as number) * Math.exp(-(overlap * overlap) / sigma)
      else if (overlap > iouThreshold) lowered[index] = (lowered[index] as number) * (1 - overlap)
      if ((lowered[index] as number) < minScore) active[slot] = active[--remaining] as number
    }
  }
  const indices = kept.subarray(0, count)
  return { indices, scores: Float32Array.from(indices, (index) => lowered[index] as number) }
}
