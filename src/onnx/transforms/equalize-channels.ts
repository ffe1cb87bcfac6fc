import type { Model, Tensor } from '../model.ts'
import { float32Of, tensorFrom } from '../tensors.ts'
import { type ChannelStream, channelStreams } from './channel-streams.ts'

/** Mean and extremes of each channel of a map. */
export interface ChannelRanges {
  readonly mean: Float64Array
  readonly low: Float32Array
  readonly high: Float32Array
}

/**
 * Gives every channel of a residual stream a mean of about 0 and the same reach, so that one scale for the whole map
 * fits each of them: a byte per number then costs as little as a scale per channel. What goes in is shifted and divided
 * in the weights of the convolutions that write the stream; what reads it (a multiplication and an addition for each
 * channel) takes it back. The network computes the same function. (Cross-layer equalisation, Nagel et al. 2019,
 * arXiv:1906.04721 section 4.1, where it costs no weight its precision.)
 *
 * @param ranges measured on calibration photos, for each value that `streamValues` names
 * @example
 * const equal = equalizeChannels(convolutional, ranges)
 */
export function equalizeChannels(model: Model, ranges: ReadonlyMap<string, ChannelRanges>): Model {
  const initializers = new Map(model.graph.initializers)
  for (const stream of channelStreams(model.graph)) equalize(stream, ranges, initializers)
  return { ...model, graph: { ...model.graph, initializers } }
}

/** The values whose channels `equalizeChannels` needs to know. */
export function streamValues(model: Model): string[] {
  return channelStreams(model.graph).flatMap(({ writers, inner }) =>
    [...writers, ...inner].map((node) => node.outputs[0] ?? ''),
  )
}

function equalize(
  { writers, inner, readers }: ChannelStream,
  ranges: ReadonlyMap<string, ChannelRanges>,
  initializers: Map<string, Tensor>,
): void {
  // What is taken off each channel of each value: the mean of what a convolution writes, and what follows from it.
  const offsets = new Map<string, Float64Array>()
  for (const {
    inputs,
    outputs: [output = ''],
  } of writers) {
    const known = ranges.get(output)
    if (!known) return
    // Without a bias there is nothing to take the mean off with.
    offsets.set(output, inputs.length > 2 ? known.mean : new Float64Array(known.mean.length))
  }
  for (const {
    inputs,
    outputs: [output = ''],
  } of inner) {
    const [first, second] = inputs.map((name) => offsets.get(name))
    if (!first) return
    offsets.set(output, second ? first.map((value, c) => value + (second[c] as number)) : first)
  }
  const units = new Float64Array(offsets.values().next().value?.length ?? 0)
  for (const [value, offset] of offsets) {
    const known = ranges.get(value)
    if (!known || offset.length !== units.length) return
    for (let c = 0; c < units.length; c++) {
      const [low, high, zero] = [known.low[c] as number, known.high[c] as number, offset[c] as number]
      units[c] = Math.max(units[c] as number, high - zero, zero - low)
    }
  }
  // A channel that never moves needs no unit.
  units.forEach((unit, c) => {
    if (!(unit > 1e-6) || !Number.isFinite(unit)) units[c] = 1
  })
  const change = (name: string, of: (value: number, channel: number) => number): void => {
    const tensor = initializers.get(name) as Tensor
    const source = float32Of(tensor, name)
    const size = source.length / units.length
    initializers.set(
      name,
      tensorFrom(
        source.map((value, i) => of(value, Math.floor(i / size))),
        tensor.dims,
      ),
    )
  }
  for (const {
    inputs: [, weight = '', bias = ''],
    outputs: [output = ''],
  } of writers) {
    const offset = offsets.get(output) as Float64Array
    change(weight, (value, c) => value / (units[c] as number))
    if (bias !== '') change(bias, (value, c) => (value - (offset[c] as number)) / (units[c] as number))
  }
  for (const {
    inputs: [x = '', weight = '', bias = ''],
  } of readers) {
    const offset = offsets.get(x) as Float64Array
    const factors = float32Of(initializers.get(weight) as Tensor, weight)
    change(bias, (value, c) => value + (offset[c] as number) * (factors[c] as number))
    change(weight, (value, c) => value * (units[c] as number))
  }
}
