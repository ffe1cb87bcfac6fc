import type { EvaluationTable } from './table.ts'

/**
 * IoU of one result with objects in float64, as pycocotools computes it: for a region to ignore (`regions` 1) the
 * intersection is divided by the result's own area.
 *
 * @param result row of the result table.
 * @param objects rows of the object table.
 * @param regions per row of the object table, 1 for a region. Left out: none is.
 * @param out receives one IoU per object from `start` on.
 */
export function iouRow(
  { objects: { boxes }, results }: EvaluationTable,
  result: number,
  objects: Uint32Array,
  regions: Uint8Array | undefined,
  out: Float64Array,
  start = 0,
): void {
  const r = result * 4
  const x = results.boxes[r] as number
  const y = results.boxes[r + 1] as number
  const width = results.boxes[r + 2] as number
  const height = results.boxes[r + 3] as number
  for (let g = 0; g < objects.length; g++) {
    const row = objects[g] as number
    const b = row * 4
    const ox = boxes[b] as number
    const oy = boxes[b + 1] as number
    const objectWidth = boxes[b + 2] as number
    const objectHeight = boxes[b + 3] as number
    const w = Math.min(width + x, objectWidth + ox) - Math.max(x, ox)
    const h = Math.min(height + y, objectHeight + oy) - Math.max(y, oy)
    if (!(w > 0 && h > 0)) {
      out[start + g] = 0
      continue
    }
    const intersection = w * h
    const area = width * height
    out[start + g] = intersection / (regions?.[row] === 1 ? area : area + objectWidth * objectHeight - intersection)
  }
}

/**
 * One step of the greedy matching of COCOeval.evaluateImg: the free object that a result overlaps most (of equal
 * overlaps the last), objects that count before ignored ones. Regions are never used up.
 *
 * Called from the highest score on; the caller marks the match in `taken`.
 *
 * @param ious G numbers from `start` on.
 * @param candidates object columns, those that count first (`countedFirst`).
 * @param ignored per column, 1 for an object that does not count.
 * @param regions per column, 1 for an object that may be matched many times.
 * @returns the object's column or -1.
 */
export function bestMatch(
  ious: Float64Array,
  start: number,
  candidates: Uint32Array,
  ignored: Uint8Array,
  regions: Uint8Array,
  taken: Uint8Array,
  threshold: number,
): number {
  let best = Math.min(threshold, 1 - 1e-10)
  let match = -1
  for (let c = 0; c < candidates.length; c++) {
    const g = candidates[c] as number
    if (taken[g] === 1 && regions[g] !== 1) continue
    if (match >= 0 && ignored[match] === 0 && ignored[g] === 1) break
    const iou = ious[start + g] as number
    if (iou < best) continue
    best = iou
    match = g
  }
  return match
}

/** Columns 0 … G - 1, those that count before the ignored ones, else in order. */
export function countedFirst(ignored: Uint8Array, candidates: Uint32Array): void {
  let at = 0
  for (let pass = 0; pass < 2; pass++) {
    for (let g = 0; g < candidates.length; g++) if (ignored[g] === pass) candidates[at++] = g
  }
}
