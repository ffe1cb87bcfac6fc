import { unexpected } from '../errors.ts'
import { type Boxes, type Corners, countBoxes, lastPixel } from './boxes.ts'

const { fround } = Math

/**
 * Intersection over union of box `i` of `a` and box `j` of `b`, in float32 steps like `torchvision.ops.box_iou`.
 * Two empty boxes give 0 (torchvision: NaN). A NaN coordinate gives 0.
 *
 * @param corners what the corners name; default `edges`.
 */
export function iou(a: Boxes, i: number, b: Boxes, j: number, corners?: Corners): number {
  const pixel = lastPixel(corners)
  const p = i * 4
  const q = j * 4
  const ax1 = a[p] as number
  const ay1 = a[p + 1] as number
  const ax2 = a[p + 2] as number
  const ay2 = a[p + 3] as number
  const bx1 = b[q] as number
  const by1 = b[q + 1] as number
  const bx2 = b[q + 2] as number
  const by2 = b[q + 3] as number
  const width = fround(fround(Math.min(ax2, bx2) - Math.max(ax1, bx1)) + pixel)
  const height = fround(fround(Math.min(ay2, by2) - Math.max(ay1, by1)) + pixel)
  if (!(width > 0 && height > 0)) return 0
  const intersection = fround(width * height)
  const areaA = fround(fround(fround(ax2 - ax1) + pixel) * fround(fround(ay2 - ay1) + pixel))
  const areaB = fround(fround(fround(bx2 - bx1) + pixel) * fround(fround(by2 - by1) + pixel))
  return fround(intersection / fround(fround(areaA + areaB) - intersection))
}

/**
 * IoU of every box of `a` (N) with every box of `b` (M): `N * M` numbers, row by row of `a`.
 *
 * @example
 * iouMatrix(Float32Array.of(0, 0, 2, 2), Float32Array.of(1, 0, 3, 2, 0, 0, 2, 2)) // Float32Array [0.333…, 1]
 * @throws VertebraError `INVALID_ARGUMENT` when a length is not a multiple of 4.
 */
export function iouMatrix(a: Boxes, b: Boxes): Float32Array {
  const rows = countBoxes(a, 'a')
  const columns = countBoxes(b, 'b')
  const matrix = new Float32Array(rows * columns)
  for (let i = 0, out = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) matrix[out++] = iou(a, i, b, j)
  }
  return matrix
}

/**
 * IoU of box `i` of `a` with every box of `b`.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when `a` has no box `i`, or a length is not a multiple of 4.
 */
export function iouOneToMany(a: Boxes, i: number, b: Boxes): Float32Array {
  const box = a.subarray(i * 4, i * 4 + 4)
  if (!(i >= 0) || box.length !== 4) throw unexpected('i', 'the index of a box', i)
  return iouMatrix(box, b)
}
