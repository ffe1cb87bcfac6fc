import type { ByteScale } from '../onnx/transforms/insert-quantization.ts'
import type { Histogram } from './histogram.ts'

/** How a range was found: all numbers; all but a few in 10,000 or 100,000; the least mean squared error. */
export type RangeMethod = 'min-max' | 'percentile 99.99' | 'percentile 99.999' | 'squared error'

/** The range of a value: what of it the bytes 0 to 255 hold. */
export interface ByteRange {
  readonly method: RangeMethod
  readonly low: number
  readonly high: number
}

/** Steps in which the search for the least squared error draws each end in. */
const SEARCH_STEPS = 48

/**
 * The range of a value that costs least. Each method proposes one from the first histogram, and the second, of other
 * photos, judges by the squared error.
 */
export function chooseRange(proposing: Histogram, judging: Histogram): ByteRange {
  const low = Math.min(proposing.low, judging.low)
  const high = Math.max(proposing.high, judging.high)
  const candidates: ByteRange[] = [{ method: 'min-max', low, high }]
  for (const [method, share] of [
    ['percentile 99.999', 0.99999],
    ['percentile 99.99', 0.9999],
  ] as const) {
    candidates.push({
      method,
      low: Math.min(0, low < 0 ? proposing.quantile(1 - share) : 0),
      high: Math.max(0, high > 0 ? proposing.quantile(share) : 0),
    })
  }
  candidates.push({ method: 'squared error', ...leastSquaredError(proposing, low, high) })
  let best = { range: candidates[0] as ByteRange, error: Number.POSITIVE_INFINITY }
  for (const range of candidates) {
    const error = squaredError(judging, range)
    if (error < best.error) best = { range, error }
  }
  return best.range
}

/** The scale that spreads the bytes over a range. Zero is always a byte; a range without width has scale 1. */
export function byteScale({ low, high }: Pick<ByteRange, 'low' | 'high'>): ByteScale {
  const scale = Math.fround((high - low) / 255)
  if (!(scale > 0)) return { scale: 1, zeroPoint: 0 }
  return { scale, zeroPoint: Math.max(0, Math.min(255, Math.round(-low / scale))) }
}

/** Draws in one end after the other, as long as that lowers the error. */
function leastSquaredError(histogram: Histogram, low: number, high: number): { low: number; high: number } {
  let range = { low, high }
  for (let round = 0; round < 2; round++) {
    for (const end of ['high', 'low'] as const) {
      let least = squaredError(histogram, range)
      const full = end === 'high' ? high : low
      for (let step = 1; step < SEARCH_STEPS && full !== 0; step++) {
        const tried = { ...range, [end]: (full * (SEARCH_STEPS - step)) / SEARCH_STEPS }
        const error = squaredError(histogram, tried)
        if (error < least) [least, range] = [error, tried]
      }
    }
  }
  return range
}

/** Sum of squared errors: rounding spreads evenly over a step, what lies outside is cut off. */
function squaredError(histogram: Histogram, range: { low: number; high: number }): number {
  const { counts } = histogram
  const { scale } = byteScale(range)
  const rounding = scale ** 2 / 12
  let sum = 0
  for (let bin = 0; bin < counts.length; bin++) {
    const count = counts[bin] as number
    if (count === 0) continue
    const value = histogram.centre(bin)
    const cut = Math.max(range.low - value, value - range.high, 0)
    sum += count * (rounding + cut ** 2)
  }
  return sum
}
