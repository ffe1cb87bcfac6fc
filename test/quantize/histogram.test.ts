import { describe, expect, it } from 'vitest'
import { byteScale, chooseRange } from '../../src/quantize/byte-range.ts'
import { ChannelStatistics } from '../../src/quantize/channel-statistics.ts'
import { Histogram } from '../../src/quantize/histogram.ts'
import { seededRandom } from '../../src/random.ts'

/** Numbers of a normal distribution (Box-Muller), the same every time. */
function normal(count: number, seed: number): Float32Array {
  const next = seededRandom(seed)
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  )
}

function histogramOf(...parts: Float32Array[]): Histogram {
  const histogram = new Histogram()
  for (const part of parts) histogram.add(part)
  return histogram
}

/** The mean squared error of numbers that went through bytes, by doing it. */
function measuredError(values: Float32Array, range: { low: number; high: number }): number {
  const { scale, zeroPoint } = byteScale(range)
  let sum = 0
  for (const value of values) {
    const byte = Math.max(0, Math.min(255, Math.round(value / scale) + zeroPoint))
    sum += (value - (byte - zeroPoint) * scale) ** 2
  }
  return sum / values.length
}

describe('Histogram', () => {
  it('widens its bins and loses no number', () => {
    const histogram = histogramOf(Float32Array.of(0.5, -0.25, 0), Float32Array.of(1000, -3), Float32Array.of(0.001))
    expect(histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(5)
    expect([histogram.low, histogram.high]).toEqual([-3, 1000])
    expect(histogram.width).toBe(0.5)
  })

  it('knows quantiles to the width of a bin', () => {
    const values = normal(50_000, 3)
    const histogram = histogramOf(values.subarray(0, 20_000), values.subarray(20_000))
    const shareBelow = (limit: number): number => values.filter((value) => value < limit).length / values.length
    for (const share of [0.001, 0.1, 0.5, 0.9, 0.999]) {
      const quantile = histogram.quantile(share)
      expect(shareBelow(quantile - histogram.width)).toBeLessThanOrEqual(share)
      expect(shareBelow(quantile + histogram.width)).toBeGreaterThanOrEqual(share)
    }
  })

  it('counts a part of very many numbers, and all their extremes', () => {
    const values = normal(1_000_000, 5)
    values[777_777] = 40
    const histogram = histogramOf(values)
    const counted = histogram.counts.reduce((sum, count) => sum + count, 0)
    expect(counted).toBeLessThan(200_000)
    expect(histogram.high).toBe(40)
    expect(Math.abs(histogram.quantile(0.5))).toBeLessThan(0.05)
  })
})

describe('chooseRange', () => {
  it('takes all of evenly spread numbers', () => {
    const values = Float32Array.from({ length: 10_000 }, (_, i) => i / 5000 - 1)
    const range = chooseRange(histogramOf(values), histogramOf(values))
    expect(range.low).toBeCloseTo(-1, 2)
    expect(range.high).toBeCloseTo(1, 2)
  })

  it('cuts outliers off where that lowers the error of other numbers, by what the numbers themselves say', () => {
    const [proposing, judging] = [normal(200_000, 1), normal(200_000, 2)]
    proposing[5] = 30
    const range = chooseRange(histogramOf(proposing), histogramOf(judging))
    const all = { low: -6, high: 30 }
    expect(range.high).toBeLessThan(8)
    expect(measuredError(judging, range)).toBeLessThan(0.5 * measuredError(judging, all))
  })

  it('keeps an outlier that both halves have often enough', () => {
    const values = normal(1000, 1).map((value, i) => (i % 50 === 0 ? 20 : value))
    expect(chooseRange(histogramOf(values), histogramOf(values)).high).toBeCloseTo(20, 1)
  })

  it('starts at 0 for what is never negative, and holds 0 exactly for everything', () => {
    const positive = normal(1000, 1).map(Math.abs)
    expect(byteScale(chooseRange(histogramOf(positive), histogramOf(positive))).zeroPoint).toBe(0)
    const shifted = normal(1000, 1).map((value) => value - 50)
    const { low, high } = chooseRange(histogramOf(shifted), histogramOf(shifted))
    expect(high).toBe(0)
    expect(byteScale({ low, high }).zeroPoint).toBe(255)
  })

  it('gives a scale even to a value that is always 0', () => {
    const zeros = new Float32Array(100)
    expect(byteScale(chooseRange(histogramOf(zeros), histogramOf(zeros)))).toEqual({ scale: 1, zeroPoint: 0 })
  })
})

describe('ChannelStatistics', () => {
  it('takes mean and extremes over batches and tensors of unequal size', () => {
    const statistics = new ChannelStatistics(2)
    statistics.add([2, 2, 1, 2], Float32Array.of(1, 3, 10, 10, 5, 7, -10, 2))
    statistics.add([1, 2, 1, 1], Float32Array.of(9, 0))
    statistics.add([0, 2], new Float32Array(0))
    expect([...statistics.mean]).toEqual([5, 2.4])
    expect([...statistics.low]).toEqual([1, -10])
    expect([...statistics.high]).toEqual([9, 10])
  })
})
