import type { Manifest } from '../models/manifest.ts'

/** x1, y1, x2, y2 around the top left corner of a cell. */
export type AnchorBox = readonly [x1: number, y1: number, x2: number, y2: number]

const RATIOS = [0.5, 1, 2] as const

/**
 * The anchors of py-faster-rcnn (`generate_anchors.py`) and of Caffe2's Detectron: the cell as a box of `stride` pixels whose
 * corners are its first and last pixel, its sides rounded at each ratio (height / width), then each times every scale.
 *
 * @example
 * caffeAnchors(16, [8, 16, 32])[0] // [-84, -40, 99, 55]
 */
export function caffeAnchors(stride: number, scales: readonly number[]): AnchorBox[] {
  return RATIOS.flatMap((ratio) => {
    const width = roundHalfToEven(Math.sqrt(stride ** 2 / ratio))
    const height = roundHalfToEven(width * ratio)
    return scales.map((scale) => pixelBox(stride, width * scale, height * scale))
  })
}

/** The anchors of MMDetection 1 (`anchor_generator.py`) of one scale, with corners rounded at the end. */
export function mmdetection1Anchors(stride: number, scale: number): AnchorBox[] {
  return RATIOS.map((ratio) => {
    const high = Math.sqrt(ratio)
    const [x1, y1, x2, y2] = pixelBox(stride, (stride * scale) / high, stride * scale * high)
    return [roundHalfToEven(x1), roundHalfToEven(y1), roundHalfToEven(x2), roundHalfToEven(y2)]
  })
}

/** The anchors of ChainerCV's pyramids (`fpn/rpn.py`): sides of 8 cells, rounded to whole cells at each ratio. */
export function chainerPyramidAnchors(stride: number): AnchorBox[] {
  return RATIOS.map((ratio) => {
    const width = roundHalfToEven(stride / Math.sqrt(ratio))
    const height = roundHalfToEven(width * ratio)
    return [-4 * width, -4 * height, 4 * width, 4 * height]
  })
}

/** Anchors on a pyramid of p2 to p6, one size of 8 cells a level. */
export function anchorsOnPyramid(boxes: (stride: number) => AnchorBox[], offset: number): Manifest['anchors'] {
  return {
    levels: [2, 3, 4, 5, 6].map((n) => {
      const stride = 2 ** n
      return { feature: `p${n}`, stride, sizes: [8 * stride], boxes: boxes(stride) }
    }),
    aspectRatios: RATIOS,
    order: 'size-major',
    rounded: false,
    offset,
    strideRule: 'exact',
  }
}

/** Anchors on c4, 16 pixels a cell: their sides are `scales` times 16. */
export function caffeAnchorsOnC4(scales: readonly number[]): Manifest['anchors'] {
  const sizes = scales.map((scale) => 16 * scale)
  return {
    levels: [{ feature: 'c4', stride: 16, sizes, boxes: caffeAnchors(16, scales) }],
    aspectRatios: RATIOS,
    order: 'ratio-major',
    rounded: true,
    offset: 0,
    strideRule: 'exact',
  }
}

/** A box of this many pixels around the middle of a cell. */
function pixelBox(stride: number, width: number, height: number): AnchorBox {
  const centre = (stride - 1) / 2
  const [x, y] = [(width - 1) / 2, (height - 1) / 2]
  return [centre - x, centre - y, centre + x, centre + y]
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
