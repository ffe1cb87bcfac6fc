import { checkCount, checkFraction } from '../checks.ts'
import { unexpected } from '../errors.ts'
import { type Boxes, type Corners, countBoxes, lastPixel } from './boxes.ts'
import { requireFloats, topK } from './top-k.ts'

const { fround } = Math

/** What `nms` and `softNms` may be told beyond boxes and scores. */
export interface NmsOptions {
  /** One number per box, for example its class or level: boxes of different groups never suppress each other. */
  readonly groups?: ArrayLike<number> | undefined
  /** Stop after this many boxes are kept. Default: all. */
  readonly maxCount?: number | undefined
  /** What the corners of the boxes name. Default: `edges`. */
  readonly corners?: Corners | undefined
}

/**
 * Greedy non-maximum suppression: the box with the highest score stays, those that overlap it by more than
 * `iouThreshold` go, and so on.
 *
 * Equal to `torchvision.ops.nms`, and with `groups` to `batched_nms` without that function's shift of coordinates:
 * float32 steps, `IoU > iouThreshold` suppresses, of equal scores the lower index first. A box whose score is NaN is
 * dropped; one with a NaN coordinate overlaps nothing.
 *
 * @returns the indices of the kept boxes, highest score first.
 * @throws VertebraError `INVALID_ARGUMENT` when lengths do not fit, or the threshold is not in [0, 1].
 *
 * @example
 * const boxes = Float32Array.of(0, 0, 10, 10, 1, 0, 11, 10, 20, 0, 30, 10)
 * nms(boxes, Float32Array.of(0.8, 0.9, 0.7), 0.5) // Uint32Array [1, 2]
 */
export function nms(
  boxes: Boxes,
  scores: Float32Array,
  iouThreshold: number,
  { groups, maxCount = scores.length, corners: meaning }: NmsOptions = {},
): Uint32Array {
  checkNms(boxes, scores, iouThreshold, groups, maxCount)
  const order = topK(scores, scores.length)
  const limit = Math.min(maxCount, order.length)
  const pixel = lastPixel(meaning)
  const kept = new Uint32Array(limit)
  // Corners and area of the kept boxes; the kept boxes of one group are a linked list, newest first.
  const corners = new Float64Array(limit * 5)
  const next = new Int32Array(limit)
  const heads = new Map<number, number>()

  let count = 0
  for (let rank = 0; rank < order.length && count < limit; rank++) {
    const index = order[rank] as number
    const x1 = boxes[index * 4] as number
    const y1 = boxes[index * 4 + 1] as number
    const x2 = boxes[index * 4 + 2] as number
    const y2 = boxes[index * 4 + 3] as number
    const area = fround(fround(fround(x2 - x1) + pixel) * fround(fround(y2 - y1) + pixel))
    const group = groups ? (groups[index] as number) : 0
    const head = heads.get(group) ?? -1

    let suppressed = false
    for (let other = head; other >= 0; other = next[other] as number) {
      const at = other * 5
      const ox1 = corners[at] as number
      const ox2 = corners[at + 2] as number
      const width = fround(fround(Math.min(x2, ox2) - Math.max(x1, ox1)) + pixel)
      if (!(width > 0)) continue
      const oy1 = corners[at + 1] as number
      const oy2 = corners[at + 3] as number
      const height = fround(fround(Math.min(y2, oy2) - Math.max(y1, oy1)) + pixel)
      if (!(height > 0)) continue
      const intersection = fround(width * height)
      const union = fround(fround((corners[at + 4] as number) + area) - intersection)
      if (fround(intersection / union) > iouThreshold) {
        suppressed = true
        break
      }
    }
    if (suppressed) continue

    corners[count * 5] = x1
    corners[count * 5 + 1] = y1
    corners[count * 5 + 2] = x2
    corners[count * 5 + 3] = y2
    corners[count * 5 + 4] = area
    next[count] = head
    heads.set(group, count)
    kept[count++] = index
  }
  return kept.subarray(0, count)
}

/** The checks that `nms` and `softNms` share. */
export function checkNms(
  boxes: Boxes,
  scores: Float32Array,
  iouThreshold: number,
  groups: ArrayLike<number> | undefined,
  maxCount: number,
): void {
  requireFloats('boxes', boxes)
  requireFloats('scores', scores)
  const count = countBoxes(boxes)
  if (scores.length !== count) throw unexpected('scores', `${count} numbers, one per box,`, scores.length)
  if (groups && groups.length !== count) throw unexpected('groups', `${count} numbers, one per box,`, groups.length)
  checkFraction('iouThreshold', iouThreshold)
  checkCount('maxCount', maxCount, 0)
}
