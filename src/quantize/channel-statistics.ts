import type { ChannelRanges } from '../onnx/transforms/equalize-channels.ts'

/** Mean and extremes of each channel (axis 1) of a value, over any number of tensors. */
export class ChannelStatistics implements ChannelRanges {
  readonly mean: Float64Array
  readonly low: Float32Array
  readonly high: Float32Array
  #count = 0

  constructor(channels: number) {
    this.mean = new Float64Array(channels)
    this.low = new Float32Array(channels).fill(Number.POSITIVE_INFINITY)
    this.high = new Float32Array(channels).fill(Number.NEGATIVE_INFINITY)
  }

  /** Adds a tensor [N, channels, …]. */
  add(dims: readonly number[], data: Float32Array): void {
    if (data.length === 0) return
    const channels = this.mean.length
    const batch = dims[0] ?? 1
    const size = data.length / (batch * channels)
    const before = this.#count
    this.#count += batch * size
    for (let c = 0; c < channels; c++) {
      let sum = 0
      let [low, high] = [this.low[c] as number, this.high[c] as number]
      for (let n = 0; n < batch; n++) {
        const start = (n * channels + c) * size
        for (let i = start; i < start + size; i++) {
          const value = data[i] as number
          sum += value
          if (value < low) low = value
          if (value > high) high = value
        }
      }
      this.mean[c] = ((this.mean[c] as number) * before + sum) / this.#count
      this.low[c] = low
      this.high[c] = high
    }
  }
}
