import { unexpected } from '../errors.ts'
import type { Boxes, Size } from './boxes.ts'

const { fround } = Math

/** The anchors of one feature level. */
export interface AnchorLevel {
  /** The feature's name, for example `p3`. */
  readonly feature: string
  /** Pixels of the input per cell. */
  readonly stride: number
  /** Square roots of the anchors' areas in pixels. */
  readonly sizes: readonly number[]
  /**
   * The anchors themselves, x1, y1, x2, y2 around (0, 0), where sizes and ratios do not give them: generators that round
   * in steps of their own (py-faster-rcnn, MMDetection 1, ChainerCV).
   */
  readonly boxes?: readonly (readonly [x1: number, y1: number, x2: number, y2: number])[] | undefined
}

/** Every number of an anchor generator. */
export interface AnchorSpec {
  readonly levels: readonly AnchorLevel[]
  /** Height divided by width. */
  readonly aspectRatios: readonly number[]
  /** `ratio-major`: all sizes of the first ratio, then the next (torchvision). `size-major`: the other way (Detectron2). */
  readonly order: 'ratio-major' | 'size-major'
  /** Corners of the anchor around (0, 0) rounded to whole pixels, halves to even (torchvision). */
  readonly rounded: boolean
  /** Where in its cell an anchor's centre lies, in cells: 0 (torchvision, Detectron2's default) or 0.5. */
  readonly offset: number
  /** `exact`: the level's `stride`. `from-grid`: floor(padded input / cells), per axis (torchvision). */
  readonly strideRule: 'exact' | 'from-grid'
}

/**
 * The A anchors of a level around (0, 0), in the order of the deltas' planes. Equal to torchvision's
 * `AnchorGenerator.generate_anchors`, and with `size-major` and without rounding to Detectron2's
 * `generate_cell_anchors`.
 *
 * @example
 * const spec = { aspectRatios: [0.5, 1], order: 'ratio-major', rounded: true } as const
 * cellAnchors({ sizes: [32] }, spec) // Float32Array [-23, -11, 23, 11, -16, -16, 16, 16]
 */
export function cellAnchors(
  { sizes, boxes }: Pick<AnchorLevel, 'sizes' | 'boxes'>,
  { aspectRatios, order, rounded }: Pick<AnchorSpec, 'aspectRatios' | 'order' | 'rounded'>,
): Boxes {
  if (boxes) return Float32Array.from(boxes.flat())
  const anchors = new Float32Array(sizes.length * aspectRatios.length * 4)
  aspectRatios.forEach((ratio, r) => {
    const high = fround(Math.sqrt(fround(ratio)))
    const wide = fround(1 / high)
    sizes.forEach((size, s) => {
      const halfWidth = fround(wide * size) / 2
      const halfHeight = fround(high * size) / 2
      const x = rounded ? roundHalfToEven(halfWidth) : halfWidth
      const y = rounded ? roundHalfToEven(halfHeight) : halfHeight
      const index = order === 'ratio-major' ? r * sizes.length + s : s * aspectRatios.length + r
      anchors.set([-x, -y, x, y], index * 4)
    })
  })
  return anchors
}

/**
 * Pixels of the padded input per cell of a grid, per axis.
 * @throws VertebraError `INVALID_ARGUMENT` when the grid has no cells.
 */
export function anchorStride(
  { stride }: Pick<AnchorLevel, 'stride'>,
  strideRule: AnchorSpec['strideRule'],
  grid: Size,
  padded: Size,
): { readonly x: number; readonly y: number } {
  if (!(grid.width >= 1 && grid.height >= 1)) throw unexpected('grid', 'at least one cell', [grid.width, grid.height])
  if (strideRule === 'exact') return { x: stride, y: stride }
  return { x: Math.floor(padded.width / grid.width), y: Math.floor(padded.height / grid.height) }
}

/**
 * All anchors of one level over a grid: enumerated row, column, anchor, in pixels of the padded input. The detector
 * makes only the ones it needs; this is for training, tests and pictures.
 *
 * @param level index into `spec.levels`.
 * @param grid cells of the feature map.
 * @param padded size of the network's input.
 * @throws VertebraError `INVALID_ARGUMENT` when there is no such level or the grid has no cells.
 */
export function gridAnchors(spec: AnchorSpec, level: number, grid: Size, padded: Size): Boxes {
  const chosen = spec.levels[level]
  if (!chosen) throw unexpected('level', `an index below ${spec.levels.length}`, level)
  const base = cellAnchors(chosen, spec)
  const stride = anchorStride(chosen, spec.strideRule, grid, padded)
  const anchors = new Float32Array(grid.width * grid.height * base.length)
  for (let y = 0, at = 0; y < grid.height; y++) {
    for (let x = 0; x < grid.width; x++) {
      const shiftX = fround((x + spec.offset) * stride.x)
      const shiftY = fround((y + spec.offset) * stride.y)
      for (let i = 0; i < base.length; i++) anchors[at++] = (base[i] as number) + (i % 2 === 0 ? shiftX : shiftY)
    }
  }
  return anchors
}

/** As `torch.round`: 22.5 becomes 22, 90.5 becomes 90. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
