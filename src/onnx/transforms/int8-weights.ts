import { intOf } from '../attributes.ts'
import type { Node, Tensor } from '../model.ts'
import { elementCount, float32Of } from '../tensors.ts'

/** A weight as int8 with one scale per output channel: weight = values * scale. */
export interface Int8Weight {
  readonly values: Int8Array<ArrayBuffer>
  readonly scales: Float32Array<ArrayBuffer>
  readonly dims: readonly number[]
  /** The axis of the output channels. */
  readonly axis: number
}

/** The output-channel axis of the weight of a Conv, Gemm or MatMul (input 1), or undefined for any other node. */
export function outputChannelAxis(node: Node, weight: Tensor | undefined): number | undefined {
  if (!weight || node.domain !== '') return undefined
  if (node.opType === 'Conv') return 0
  if (weight.dims.length !== 2) return undefined
  if (node.opType === 'Gemm') return intOf(node, 'transB', 0) === 1 ? 0 : 1
  return node.opType === 'MatMul' ? 1 : undefined
}

/** The scales tried for a channel, as multiples of the one that just holds its largest weight. */
const WIDER = [1, 1.1, 1.25, 1.5, 2] as const

/** Two products of a byte with such a pair of weights still fit 16 bits: 255 * 128 = 32640. */
const LARGEST_PAIR = 128

/**
 * Rounds a float32 weight to int8, symmetric for each output channel, so that integer kernels are exact on every CPU:
 * those with AVX2 but no VNNI add the products of neighbouring weights in 16 bits, which two large neighbours of one sign
 * would overflow. Such pairs are cut to a sum of 128; where a wider scale costs a channel less than that, it is taken.
 *
 * Neighbours are weights 2k and 2k + 1 of a channel, in the order of the tensor and with the input channel running
 * fastest, which are the two orders that kernels work in.
 *
 * @param minimumScales least scale of each channel; default: none
 */
export function int8Weight(tensor: Tensor, axis: number, name: string, minimumScales?: Float64Array): Int8Weight {
  const source = float32Of(tensor, name)
  const { dims } = tensor
  const channels = dims[axis] ?? 0
  const size = channels === 0 ? 0 : source.length / channels
  // A weight [in, out] has its channels in columns.
  const [start, step] = axis === 0 ? [size, 1] : [1, channels]
  const orders = axis === 0 && dims.length > 2 ? [tensorOrder(size), channelsLast(dims)] : [tensorOrder(size)]
  const values = new Int8Array(source.length)
  const scales = new Float32Array(channels)
  const channel = new Float32Array(size)
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < size; i++) channel[i] = source[c * start + i * step] as number
    const { rounded, scale } = roundChannel(channel, orders, minimumScales?.[c] ?? 0)
    scales[c] = scale
    for (let i = 0; i < size; i++) values[c * start + i * step] = rounded[i] as number
  }
  return { values, scales, dims, axis }
}

function tensorOrder(size: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => i)
}

/** Places of [channels, kernel] in the order [kernel, channels]. */
function channelsLast(dims: readonly number[]): Int32Array {
  const inputs = dims[1] ?? 0
  const cells = elementCount(dims.slice(2))
  return Int32Array.from({ length: inputs * cells }, (_, i) => (i % inputs) * cells + Math.floor(i / inputs))
}

function roundChannel(
  channel: Float32Array,
  orders: readonly Int32Array[],
  minimumScale: number,
): { rounded: Int8Array; scale: number } {
  let largest = 0
  for (let i = 0; i < channel.length; i++) largest = Math.max(largest, Math.abs(channel[i] as number))
  const least = Math.max(largest / 127, minimumScale)
  let best = { rounded: new Int8Array(channel.length), scale: 1, error: Number.POSITIVE_INFINITY }
  // The bias is counted in steps of this scale, and must keep its value.
  if (largest === 0) return minimumScale > 0 ? { ...best, scale: Math.fround(minimumScale) } : best
  for (const factor of WIDER) {
    const scale = Math.fround(least * factor)
    const rounded = new Int8Array(channel.length)
    for (let i = 0; i < channel.length; i++) {
      rounded[i] = Math.max(-127, Math.min(127, Math.round((channel[i] as number) / scale)))
    }
    const cut = orders.reduce((count, order) => count + cutPairs(rounded, order), 0)
    let error = 0
    for (let i = 0; i < channel.length; i++) error += ((channel[i] as number) - (rounded[i] as number) * scale) ** 2
    if (error < best.error) best = { rounded, scale, error }
    if (cut === 0) break
  }
  return best
}

/** Brings neighbours of one sign down to the largest sum that is safe, each by the same; gives how many. */
function cutPairs(values: Int8Array, order: Int32Array): number {
  let count = 0
  for (let k = 0; k + 1 < order.length; k += 2) {
    const [i, j] = [order[k] as number, order[k + 1] as number]
    const [a, b] = [values[i] as number, values[j] as number]
    const excess = Math.abs(a + b) - LARGEST_PAIR
    if (excess <= 0) continue
    const sign = Math.sign(a)
    values[i] = a - sign * Math.ceil(excess / 2)
    values[j] = b - sign * Math.floor(excess / 2)
    count++
  }
  return count
}
