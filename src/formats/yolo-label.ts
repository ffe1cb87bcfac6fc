import type { Size, XYWH } from '../boxes/boxes.ts'

/** One line of a YOLO label file in pixels. */
export interface YoloLabel {
  readonly classIndex: number
  readonly bbox: XYWH
}

/**
 * Reads `<class> <cx> <cy> <width> <height>` in fractions of the picture, or `<class> <x1> <y1> <x2> <y2> …`, a polygon
 * of three or more points, as the box around it. A sixth number, the confidence of results, is passed over.
 *
 * @returns undefined for a line that is neither.
 */
export function readYoloLabel(line: string, { width, height }: Size): YoloLabel | undefined {
  const [classIndex = -1, ...numbers] = line.trim().split(/\s+/).map(Number)
  if (!Number.isSafeInteger(classIndex) || classIndex < 0 || !numbers.every(Number.isFinite)) return undefined
  if (numbers.length === 4 || numbers.length === 5) {
    const [cx = 0, cy = 0, w = 0, h = 0] = numbers
    return { classIndex, bbox: [(cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height] }
  }
  if (numbers.length < 6 || numbers.length % 2 === 1) return undefined
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (let i = 0; i < numbers.length; i += 2) {
    const [x, y] = [numbers[i] as number, numbers[i + 1] as number]
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  return { classIndex, bbox: [left * width, top * height, (right - left) * width, (bottom - top) * height] }
}

/** The line of a box, with all its decimals. */
export function writeYoloLabel(classIndex: number, [x, y, w, h]: XYWH, { width, height }: Size): string {
  return `${classIndex} ${(x + w / 2) / width} ${(y + h / 2) / height} ${w / width} ${h / height}\n`
}
