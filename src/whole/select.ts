import { type Boxes, countBoxes, scaleBoxes } from '../boxes/boxes.ts'
import { topK } from '../boxes/top-k.ts'
import type { DetectedBoxes, PhotoSize } from '../heads/postprocess.ts'
import { type SuppressionRule, suppress } from '../heads/suppress.ts'
import type { Candidates } from './candidates.ts'

/**
 * Suppression takes time by the square of the boxes. No network of use has this many above its threshold, a broken one may.
 */
const MOST_CANDIDATES = 10_000

/**
 * Detections of candidates: those with a part in the photo, overlaps suppressed, the best `maxDetections`, in the photo's own
 * pixels and clipped to it. Of equal scores the first comes first.
 *
 * @param photo its size, and how many pixels of the network's input one of its pixels is
 */
export function selectDetections(
  { boxes, scores, classes }: Candidates,
  photo: Required<PhotoSize>,
  rule: SuppressionRule,
): DetectedBoxes {
  const scaled = scaleBoxes(boxes, 1 / photo.scaleX, 1 / photo.scaleY)
  const clipped = scaled.map((value, i) => Math.min(Math.max(value, 0), i % 2 === 0 ? photo.width : photo.height))
  const inside = Uint32Array.from(Array(countBoxes(clipped)).keys()).filter((i) => hasArea(clipped, i))
  const best = topK(at(scores, inside), MOST_CANDIDATES).map((i) => inside[i] as number)
  const kept = suppress(rowsOf(scaled, best), at(scores, best), numbersAt(classes, best), rule)
  const chosen = kept.indices.map((i) => best[i] as number)
  return { boxes: rowsOf(clipped, chosen), scores: kept.scores, classes: numbersAt(classes, chosen) }
}

function hasArea(boxes: Boxes, i: number): boolean {
  const width = (boxes[i * 4 + 2] as number) - (boxes[i * 4] as number)
  return width > 0 && (boxes[i * 4 + 3] as number) > (boxes[i * 4 + 1] as number)
}

function at(values: Float32Array, indices: Uint32Array): Float32Array {
  return Float32Array.from(indices, (i) => values[i] as number)
}

function numbersAt(values: Uint16Array, indices: Uint32Array): Uint16Array {
  return Uint16Array.from(indices, (i) => values[i] as number)
}

function rowsOf(boxes: Boxes, indices: Uint32Array): Boxes {
  const rows = new Float32Array(indices.length * 4)
  indices.forEach((index, i) => {
    rows.set(boxes.subarray(index * 4, index * 4 + 4), i * 4)
  })
  return rows
}
