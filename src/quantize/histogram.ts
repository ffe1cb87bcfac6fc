/** Bins on each side of zero. */
const BINS = 2048

/** Of more numbers than this at a time only every n-th is counted, n being odd, so that no column is missed. */
const MOST_COUNTED = 2 ** 17

/**
 * How often numbers occur, in bins of one width that doubles when a number does not fit any more: no number is kept. Zeros
 * are left out, as every byte scale holds them exactly.
 */
export class Histogram {
  /** Smallest and largest number seen, zero included. */
  low = 0
  high = 0
  /** Width of a bin; 0 until the first number that is not zero. */
  width = 0
  /** Bin i holds numbers from (i - BINS) * width on. */
  counts: Float64Array = new Float64Array(2 * BINS)

  /** Adds numbers, which must be finite. */
  add(values: Float32Array): void {
    let [low, high] = [this.low, this.high]
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number
      if (value < low) low = value
      else if (value > high) high = value
    }
    this.low = low
    this.high = high
    this.#fit(Math.max(high, -low))
    if (this.width === 0) return
    const { counts } = this
    const perUnit = 1 / this.width
    const step = 2 * Math.floor(values.length / (2 * MOST_COUNTED)) + 1
    for (let i = 0; i < values.length; i += step) {
      const value = values[i] as number
      if (value === 0) continue
      const bin = Math.floor(value * perUnit) + BINS
      counts[bin] = (counts[bin] as number) + 1
    }
  }

  /** The number in the middle of a bin. */
  centre(bin: number): number {
    return (bin - BINS + 0.5) * this.width
  }

  /** The number below which a share of all numbers but zeros lies, to the width of a bin. */
  quantile(share: number): number {
    let left = share * this.counts.reduce((sum, count) => sum + count, 0)
    for (let bin = 0; bin < this.counts.length; bin++) {
      left -= this.counts[bin] as number
      if (left <= 0) return Math.min(this.high, Math.max(this.low, this.centre(bin)))
    }
    return this.high
  }

  #fit(reach: number): void {
    if (reach === 0) return
    if (this.width === 0) this.width = 2 ** Math.ceil(Math.log2(reach / BINS))
    while (reach >= BINS * this.width) this.#widen()
  }

  #widen(): void {
    const wider = new Float64Array(2 * BINS)
    this.counts.forEach((count, bin) => {
      const to = Math.floor((bin - BINS) / 2) + BINS
      wider[to] = (wider[to] as number) + count
    })
    this.counts = wider
    this.width *= 2
  }
}
