import type { RgbImage } from './image.ts'
import type { ResizeFilter, ResizeOutput } from './input-spec.ts'
import {
  antialiasWeights,
  bilinearWeights,
  FIXED_POINT_BITS,
  fixedPointWeights,
  type ResampleWeights,
} from './resample-weights.ts'

/** One row of RGB triples: whole levels in the byte arrays, fractions of levels in the float array. */
export type RgbRow = Uint8Array | Uint8ClampedArray | Float32Array

/**
 * Resizes a picture row by row, top to bottom, and hands each finished row to `onRow`; the row is only valid during the
 * call. The horizontally resized rows stay in a ring as long as the vertical filter: rows that the filter skips are never
 * touched, and nothing of the picture's size is allocated.
 */
export function resampleRows(
  image: RgbImage,
  width: number,
  height: number,
  how: {
    readonly filter: ResizeFilter
    readonly output: ResizeOutput
    /** Input pixels per pixel of the result, of both axes; default: the ratio of the sides. */
    readonly step?: number | undefined
  },
  onRow: (y: number, row: RgbRow) => void,
): void {
  if (width === image.width && height === image.height) {
    for (let y = 0; y < height; y++) onRow(y, image.data.subarray(y * width * 3, (y + 1) * width * 3))
    return
  }
  const weightsOf = how.filter === 'antialias' ? antialiasWeights : bilinearWeights
  const horizontal = weightsOf(image.width, width, how.step)
  const vertical = weightsOf(image.height, height, how.step)
  // Pillow rounds to levels between its two passes. A reference without antialias interpolates in both axes at once.
  if (how.filter === 'antialias' && how.output === 'uint8') {
    resampleFixedPoint(image, width, height, horizontal, vertical, onRow)
  } else {
    resampleFloat(image, width, height, horizontal, vertical, how.output, onRow)
  }
}

function resampleFixedPoint(
  image: RgbImage,
  width: number,
  height: number,
  horizontal: ResampleWeights,
  vertical: ResampleWeights,
  onRow: (y: number, row: RgbRow) => void,
): void {
  const { data } = image
  const stride = image.width * 3
  const weightsX = fixedPointWeights(horizontal.weights)
  const weightsY = fixedPointWeights(vertical.weights)
  const row = new Uint8ClampedArray(width * 3)
  if (goesVerticalFirst(image, width, height)) {
    const wide = new Uint8ClampedArray(stride)
    const sums = new Int32Array(stride)
    for (let y = 0; y < height; y++) {
      sums.fill(HALF)
      for (let t = 0; t < (vertical.counts[y] as number); t++) {
        const from = ((vertical.starts[y] as number) + t) * stride
        addRow(sums, data, from, weightsY[y * vertical.taps + t] as number)
      }
      storeLevels(sums, wide)
      resizeRowFixedPoint(wide, 0, stride, row, horizontal, weightsX)
      onRow(y, row)
    }
    return
  }
  const sums = new Int32Array(row.length)
  const ring = new RowRing(
    vertical.taps,
    (slot: Uint8ClampedArray, y) => resizeRowFixedPoint(data, y * stride, stride, slot, horizontal, weightsX),
    () => new Uint8ClampedArray(row.length),
  )
  for (let y = 0; y < height; y++) {
    sums.fill(HALF)
    for (let t = 0; t < (vertical.counts[y] as number); t++) {
      addRow(sums, ring.row((vertical.starts[y] as number) + t), 0, weightsY[y * vertical.taps + t] as number)
    }
    storeLevels(sums, row)
    onRow(y, row)
  }
}

/**
 * Pillow 13 starts with the axis that leaves less to do (ImagingResampleInner), older releases always with the
 * horizontal one. The order shows in single levels because of the rounding in between.
 */
function goesVerticalFirst(image: RgbImage, width: number, height: number): boolean {
  return height < image.height && image.height - height > 2 * (image.width - width)
}

const HALF = 1 << (FIXED_POINT_BITS - 1)

// The loops below index whole arrays by an offset: with views of single rows they measured half as fast.
// Rows are clamped arrays because rounded weights can add up to a little more than 1, as Pillow's clip8 knows.

function addRow(sums: Int32Array, source: Uint8Array | Uint8ClampedArray, from: number, weight: number): void {
  for (let i = 0; i < sums.length; i++) {
    sums[i] = ((sums[i] as number) + Math.imul(source[from + i] as number, weight)) | 0
  }
}

function storeLevels(sums: Int32Array, target: Uint8ClampedArray): void {
  for (let i = 0; i < target.length; i++) target[i] = (sums[i] as number) >> FIXED_POINT_BITS
}

function resizeRowFixedPoint(
  source: Uint8Array | Uint8ClampedArray,
  offset: number,
  length: number,
  target: Uint8ClampedArray,
  { taps, starts, counts }: ResampleWeights,
  weights: Int32Array,
): void {
  if (length === target.length) {
    target.set(source.subarray(offset, offset + length))
    return
  }
  for (let x = 0; x < starts.length; x++) {
    let red = HALF
    let green = HALF
    let blue = HALF
    let from = offset + (starts[x] as number) * 3
    const end = x * taps + (counts[x] as number)
    for (let k = x * taps; k < end; k++) {
      const weight = weights[k] as number
      red = (red + Math.imul(source[from] as number, weight)) | 0
      green = (green + Math.imul(source[from + 1] as number, weight)) | 0
      blue = (blue + Math.imul(source[from + 2] as number, weight)) | 0
      from += 3
    }
    target[x * 3] = red >> FIXED_POINT_BITS
    target[x * 3 + 1] = green >> FIXED_POINT_BITS
    target[x * 3 + 2] = blue >> FIXED_POINT_BITS
  }
}

function resampleFloat(
  image: RgbImage,
  width: number,
  height: number,
  horizontal: ResampleWeights,
  vertical: ResampleWeights,
  output: ResizeOutput,
  onRow: (y: number, row: RgbRow) => void,
): void {
  const length = width * 3
  const ring = new RowRing(
    vertical.taps,
    horizontal.taps === 2
      ? (slot: Float32Array, y) => mixPixels(image, y, slot, horizontal)
      : (slot: Float32Array, y) => resizeRowFloat(image, y, slot, horizontal),
    () => new Float32Array(length),
  )
  const sums = new Float32Array(length)
  const levels = new Uint8ClampedArray(output === 'uint8' ? length : 0)
  for (let y = 0; y < height; y++) {
    const start = vertical.starts[y] as number
    const count = vertical.counts[y] as number
    const first = y * vertical.taps
    const weightOf = (t: number): number => vertical.weights[first + t] as number
    if (count === 2) mixRows(sums, ring.row(start), weightOf(0), ring.row(start + 1), weightOf(1))
    else {
      sums.fill(0)
      for (let t = 0; t < count; t++) mixRows(sums, sums, 1, ring.row(start + t), weightOf(t))
    }
    for (let i = 0; i < levels.length; i++) levels[i] = Math.floor((sums[i] as number) + 0.5)
    onRow(y, output === 'uint8' ? levels : sums)
  }
}

function mixRows(target: Float32Array, a: Float32Array, weightA: number, b: Float32Array, weightB: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (a[i] as number) * weightA + (b[i] as number) * weightB
}

/** As `resizeRowFloat` where at most two pixels make one: twice as fast without the inner loop. */
function mixPixels(
  { data, width }: RgbImage,
  y: number,
  target: Float32Array,
  { starts, weights }: ResampleWeights,
): void {
  const row = y * width * 3
  for (let x = 0; x < starts.length; x++) {
    const a = row + (starts[x] as number) * 3
    const weightA = weights[2 * x] as number
    const weightB = weights[2 * x + 1] as number
    // A pixel at the edge has no neighbour.
    const b = weightB === 0 ? a : a + 3
    const to = x * 3
    target[to] = (data[a] as number) * weightA + (data[b] as number) * weightB
    target[to + 1] = (data[a + 1] as number) * weightA + (data[b + 1] as number) * weightB
    target[to + 2] = (data[a + 2] as number) * weightA + (data[b + 2] as number) * weightB
  }
}

function resizeRowFloat(
  { data, width }: RgbImage,
  y: number,
  target: Float32Array,
  { taps, starts, counts, weights }: ResampleWeights,
): void {
  const row = y * width * 3
  for (let x = 0; x < starts.length; x++) {
    let from = row + (starts[x] as number) * 3
    const first = x * taps
    const end = first + (counts[x] as number)
    let red = 0
    let green = 0
    let blue = 0
    for (let k = first; k < end; k++, from += 3) {
      const weight = weights[k] as number
      red += (data[from] as number) * weight
      green += (data[from + 1] as number) * weight
      blue += (data[from + 2] as number) * weight
    }
    target[x * 3] = red
    target[x * 3 + 1] = green
    target[x * 3 + 2] = blue
  }
}

/** The last `size` rows asked for, each made once as the window moves down. */
class RowRing<Row> {
  readonly #size: number
  readonly #slots: Row[]
  readonly #held: Int32Array
  readonly #make: (slot: Row, y: number) => void

  constructor(size: number, make: (slot: Row, y: number) => void, allocate: () => Row) {
    this.#size = size
    this.#slots = Array.from({ length: size }, allocate)
    this.#held = new Int32Array(size).fill(-1)
    this.#make = make
  }

  row(y: number): Row {
    const index = y % this.#size
    const slot = this.#slots[index] as Row
    if (this.#held[index] !== y) {
      this.#make(slot, y)
      this.#held[index] = y
    }
    return slot
  }
}
