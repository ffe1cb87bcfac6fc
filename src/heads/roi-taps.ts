import type { RoiSpec } from './levels.ts'

const { ceil, floor, fround, max, min } = Math

/** What a bin's entry has in front of its weights: its first cell, and the bytes of its weights. */
const HEAD = 2

/** 32-bit words of a bin's entry along an axis of at most so many cells. */
export function tapWords(cells: number): number {
  return HEAD + cells
}

/** Memory that is read as 32-bit integers and numbers. */
export interface Words {
  readonly integers: Int32Array
  readonly numbers: Float32Array
}

/** The cells along one axis that the bins of a box take something of. */
export interface Span {
  readonly first: number
  /** 0 when the box lies outside the map. */
  readonly count: number
}

/**
 * What the bins of one box take of the cells along one axis: the mean of linear samples as one weight per cell, since the
 * weights of RoIAlign's samples are products of one for each axis. The points are those of ONNX's RoiAlign and torchvision's,
 * in float32: what lies more than a cell outside counts as 0, the rest is drawn to the border.
 *
 * @param start first coordinate of the box in pixels.
 * @param end last one.
 * @param scale cells per pixel.
 * @param cells of the map along the axis.
 * @param words where an entry for each bin goes: first cell, counted from the span's first; bytes of the weights; weights.
 * @param at word of the first entry.
 * @param step words from one entry to the next, at least `tapWords(cells)`.
 */
export function writeTaps(
  start: number,
  end: number,
  scale: number,
  cells: number,
  { outputSize, samplingRatio, aligned }: Pick<RoiSpec, 'outputSize' | 'samplingRatio' | 'aligned'>,
  { integers, numbers }: Words,
  at: number,
  step: number,
): Span {
  const shift = aligned ? 0.5 : 0
  const from = fround(fround(start * scale) - shift)
  // Without the shift a box is at least a cell long.
  const side = max(fround(fround(fround(end * scale) - shift) - from), aligned ? 0 : 1)
  const bin = fround(side / outputSize)
  const samples = samplingRatio > 0 ? samplingRatio : ceil(bin)
  let lowest = cells
  let highest = -1
  for (let i = 0, entry = at; i < outputSize; i++, entry += step) {
    const binFrom = fround(from + fround(i * bin))
    let first = -1
    let last = -1
    for (let s = 0; s < samples; s++) {
      const point = fround(binFrom + fround(fround((s + 0.5) * bin) / samples))
      if (!(point >= -1 && point <= cells)) continue
      const inside = max(point, 0)
      const low = min(floor(inside), cells - 1)
      const high = min(low + 1, cells - 1)
      if (first < 0) {
        first = low
        last = low - 1
      }
      // Points only rise, so that cells come in their order.
      const zero = entry + HEAD - first
      while (last < high) numbers[zero + ++last] = 0
      const share = low === high ? 0 : (inside - low) / samples
      numbers[zero + low] = (numbers[zero + low] as number) + 1 / samples - share
      numbers[zero + high] = (numbers[zero + high] as number) + share
    }
    integers[entry] = first
    integers[entry + 1] = first < 0 ? 0 : 4 * (last - first + 1)
    if (first >= 0) lowest = min(lowest, first)
    highest = max(highest, last)
  }
  for (let i = 0, entry = at; i < outputSize; i++, entry += step) {
    integers[entry] = max((integers[entry] as number) - lowest, 0)
  }
  return { first: lowest, count: max(highest - lowest + 1, 0) }
}
