import type { RgbImage } from './image.ts'
import type { ResizeFilter, ResizeOutput } from './input-spec.ts'
import { resampleKernel } from './resample-kernel.ts'
import { antialiasWeights, bilinearWeights, fixedPointWeights, type ResampleWeights } from './resample-weights.ts'

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
  const inLevels = how.filter === 'antialias' && how.output === 'uint8'
  const rowsFirst = inLevels && goesVerticalFirst(image, width, height)

  const layout = layOut(image.width, width, horizontal.taps, vertical.taps, inLevels ? 1 : 4, rowsFirst)
  const { stride, rowLength, slotLength, step, table, wide, ring, result } = layout
  const kernel = resampleKernel(layout.end)
  const { buffer } = kernel.memory
  const pixels = inLevels ? kernel.pixels8 : kernel.pixels32
  const rows = inLevels ? kernel.rows8 : kernel.rows32

  writePlan(buffer, step, horizontal, inLevels)
  const bytes = new Uint8Array(buffer)
  const pairs = new Int32Array(buffer, table, 2 * vertical.taps)
  const weights = inLevels ? fixedPointWeights(vertical.weights) : Float32Array.from(vertical.weights)
  // A float travels in the table as the whole number of the same bits.
  const weightBits = new Int32Array(weights.buffer)
  const row = inLevels ? new Uint8ClampedArray(buffer, result, width * 3) : new Float32Array(buffer, result, width * 3)
  const levels = !inLevels && how.output === 'uint8' ? new Uint8ClampedArray(width * 3) : undefined
  const held = new Int32Array(vertical.taps).fill(-1)

  for (let y = 0; y < height; y++) {
    const count = vertical.counts[y] as number
    for (let t = 0; t < count; t++) {
      const source = (vertical.starts[y] as number) + t
      const slot = source % vertical.taps
      const at = ring + slot * slotLength
      if (held[slot] !== source) {
        bytes.set(image.data.subarray(source * stride, (source + 1) * stride), rowsFirst ? at : wide)
        if (!rowsFirst) pixels(at, wide, 0, table, step)
        held[slot] = source
      }
      pairs[2 * t] = at
      pairs[2 * t + 1] = weightBits[y * vertical.taps + t] as number
    }
    rows(rowsFirst ? wide : result, rowsFirst ? stride : rowLength, table, table + 8 * count)
    if (rowsFirst) pixels(result, wide, 0, table, step)
    if (levels) for (let i = 0; i < levels.length; i++) levels[i] = Math.floor((row[i] as number) + 0.5)
    onRow(y, levels ?? row)
  }
}

/**
 * Where things lie in the kernel's memory, in bytes: the plan of a row, the `table` of rows to be added with their weights, one row as
 * `wide` as the picture, the `ring` of slots, the `result`.
 */
function layOut(
  imageWidth: number,
  width: number,
  tapsAcross: number,
  tapsDown: number,
  channelBytes: number,
  rowsFirst: boolean,
) {
  const stride = imageWidth * 3
  const rowLength = width * 3 * channelBytes
  const slotLength = roomFor(rowsFirst ? stride : rowLength)
  const step = 8 + 4 * tapsAcross
  const table = width * step
  const wide = table + 8 * tapsDown
  const ring = align16(wide + roomFor(stride))
  const result = ring + tapsDown * slotLength
  return { stride, rowLength, slotLength, step, table, wide, ring, result, end: result + roomFor(rowLength) }
}

/** What each pixel of a row is made of, at the beginning of the kernel's memory. */
function writePlan(
  buffer: ArrayBufferLike,
  step: number,
  { taps, starts, counts, weights }: ResampleWeights,
  inLevels: boolean,
): void {
  const words = new Int32Array(buffer)
  const own = inLevels ? fixedPointWeights(weights) : Float32Array.from(weights)
  const bits = new Int32Array(own.buffer)
  for (let x = 0, to = 0; x < starts.length; x++, to += step / 4) {
    words[to] = 3 * (starts[x] as number)
    words[to + 1] = 4 * (counts[x] as number)
    for (let t = 0; t < taps; t++) words[to + 2 + t] = bits[x * taps + t] as number
  }
}

/**
 * Pillow 13 starts with the axis that leaves less to do (ImagingResampleInner), older releases always with the
 * horizontal one. The order shows in single levels because of the rounding in between.
 */
function goesVerticalFirst(image: RgbImage, width: number, height: number): boolean {
  return height < image.height && image.height - height > 2 * (image.width - width)
}

/** Vectors read and write past the end of a row. */
function roomFor(bytes: number): number {
  return align16(bytes + 16)
}

function align16(byte: number): number {
  return Math.ceil(byte / 16) * 16
}
