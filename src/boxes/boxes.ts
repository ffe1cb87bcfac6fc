import { unexpected } from '../errors.ts'

/**
 * Conventions of the whole library, written once.
 *
 * - A set of N boxes is a `Float32Array` of `N * 4` numbers: x1, y1, x2, y2 in pixels of the picture they belong to.
 * - Boxes are half-open: pixel i covers [i, i + 1), so width = x2 - x1 and a box of the whole picture is 0, 0, W, H.
 *   The COCO form x, y, width, height appears only at the public API and in files; the 1-based inclusive corners of
 *   VOC only in `formats/voc.ts`.
 * - Feature maps are NCHW. Anchors are enumerated row (y), column (x), anchor (a).
 * - Deltas are dx, dy, dw, dh.
 * - A "score" is a probability; a "logit" is not. Background is class 0 inside the library; class k of the K labels
 *   is column k + 1.
 * - Letters: N images, A anchors per cell, R regions of interest (RoIs), K classes without background, C channels.
 * - Arithmetic on boxes rounds to float32 after every step, as PyTorch does, so that ties and thresholds fall alike.
 */

/** N boxes as N * 4 numbers: x1, y1, x2, y2. */
export type Boxes = Float32Array

/**
 * What the corners of a network's boxes name, on the way from its deltas to its detections.
 *
 * - `edges`: the edges, as everywhere in this library: a side is x2 - x1.
 * - `pixels`: the first and the last pixel, as in code that grew out of VOC's MATLAB files: a side is x2 - x1 + 1, and a
 *   picture ends at width - 1 (Caffe2's Detectron, MMDetection 1).
 * - `pixels-caffe`: the same, except that a decoded box ends one pixel later than its side says (py-faster-rcnn,
 *   `bbox_transform_inv`, and what was ported from it).
 */
export type Corners = 'edges' | 'pixels' | 'pixels-caffe'

/** What is added to x2 - x1 for a side. */
export function lastPixel(corners: Corners = 'edges'): 0 | 1 {
  return corners === 'edges' ? 0 : 1
}

/** COCO's form of one box: left edge, top edge, width, height in pixels. */
export type XYWH = readonly [x: number, y: number, width: number, height: number]

/** Width and height in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/**
 * The number of boxes in `boxes`.
 * @throws VertebraError `INVALID_ARGUMENT` when the length is not a multiple of 4.
 */
export function countBoxes(boxes: Boxes, name = 'boxes'): number {
  if (boxes.length % 4 !== 0) throw unexpected(name, 'four numbers per box', boxes)
  return boxes.length / 4
}

/**
 * Areas in square pixels; 0 for a box whose corners are swapped.
 *
 * @example
 * boxAreas(Float32Array.of(0, 0, 4, 3)) // Float32Array [12]
 */
export function boxAreas(boxes: Boxes): Float32Array {
  const areas = new Float32Array(countBoxes(boxes))
  for (let i = 0, b = 0; i < areas.length; i++, b += 4) {
    const width = Math.fround((boxes[b + 2] as number) - (boxes[b] as number))
    const height = Math.fround((boxes[b + 3] as number) - (boxes[b + 1] as number))
    areas[i] = width > 0 && height > 0 ? width * height : 0
  }
  return areas
}

/**
 * Boxes cut to a picture: x to [0, width], y to [0, height]. A box outside becomes an empty one on the border.
 *
 * @example
 * clipBoxes(Float32Array.of(-5, 2, 700, 90), { width: 640, height: 480 }) // Float32Array [0, 2, 640, 90]
 */
export function clipBoxes(boxes: Boxes, { width, height }: Size): Boxes {
  countBoxes(boxes)
  return boxes.map((value, i) => Math.min(Math.max(value, 0), i % 2 === 0 ? width : height))
}

/** Boxes in a picture that is `x` times as wide and `y` times as high. */
export function scaleBoxes(boxes: Boxes, x: number, y: number): Boxes {
  countBoxes(boxes)
  const [fx, fy] = [Math.fround(x), Math.fround(y)]
  return boxes.map((value, i) => value * (i % 2 === 0 ? fx : fy))
}

/**
 * The corner form of COCO boxes.
 *
 * @example
 * fromXYWH([[10, 20, 30, 40]]) // Float32Array [10, 20, 40, 60]
 */
export function fromXYWH(boxes: readonly XYWH[]): Boxes {
  return Float32Array.from(boxes.flatMap(([x, y, width, height]) => [x, y, x + width, y + height]))
}

/**
 * COCO's form of every box.
 *
 * @example
 * toXYWH(Float32Array.of(10, 20, 40, 60)) // [[10, 20, 30, 40]]
 */
export function toXYWH(boxes: Boxes): XYWH[] {
  return Array.from({ length: countBoxes(boxes) }, (_, i): XYWH => {
    const x = boxes[i * 4] as number
    const y = boxes[i * 4 + 1] as number
    return [x, y, (boxes[i * 4 + 2] as number) - x, (boxes[i * 4 + 3] as number) - y]
  })
}
