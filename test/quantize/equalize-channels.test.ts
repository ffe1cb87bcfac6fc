import { describe, expect, it } from 'vitest'
import { buildBackbone } from '../../src/architectures/backbone.ts'
import { preactResnet, resnet } from '../../src/architectures/resnet.ts'
import { encodeModel } from '../../src/onnx/codec.ts'
import type { Model } from '../../src/onnx/model.ts'
import { batchNormToConvolution } from '../../src/onnx/transforms/batch-norm-to-convolution.ts'
import { channelStreams } from '../../src/onnx/transforms/channel-streams.ts'
import { equalizeChannels, streamValues } from '../../src/onnx/transforms/equalize-channels.ts'
import { foldBatchNorm } from '../../src/onnx/transforms/fold-batch-norm.ts'
import { pruneModel } from '../../src/onnx/transforms/prune.ts'
import { ChannelStatistics } from '../../src/quantize/channel-statistics.ts'
import { seededRandom } from '../../src/random.ts'
import { nodeRuntime } from '../../src/runtime/node.ts'
import type { FloatTensor } from '../../src/runtime/runtime.ts'
import { randomWeights } from '../../src/weights/random.ts'
import type { Weights } from '../../src/weights/weights.ts'

/** Random weights whose normalisations are not the identity, so that channels differ. */
function unevenWeights(): Weights {
  const source = randomWeights(3)
  return {
    ...source,
    tensor(name, shape) {
      const values = source.tensor(name, shape)
      if (shape.length > 1) return values
      const next = seededRandom(name.length * 31 + name.charCodeAt(name.length - 6))
      return values.map(() => (/running_var|scale|weight/.test(name) ? 0.2 + 3 * next() ** 4 : 2 * next() - 1))
    },
  }
}

async function outputsOf(model: Model): Promise<Record<string, FloatTensor>> {
  const session = await (await nodeRuntime()).open(encodeModel(model), 'cpu', { threads: 1 })
  const next = seededRandom(11)
  const data = Float32Array.from({ length: 3 * 64 * 64 }, () => 2 * next() - 1)
  const tensors = await session.run({ image: { dataType: 'float32', dims: [1, 3, 64, 64], data } })
  await session.dispose()
  return Object.fromEntries(Object.entries(tensors).flatMap(([name, t]) => ('data' in t ? [[name, t]] : [])))
}

const statisticsOf = (tensors: Record<string, FloatTensor>): Map<string, ChannelStatistics> =>
  new Map(
    Object.entries(tensors).map(([name, { dims, data }]) => {
      const statistics = new ChannelStatistics(dims[1] ?? 0)
      statistics.add(dims, data)
      return [name, statistics]
    }),
  )

/** The least reach of a channel by the greatest, over the channels of each value that move at all. */
function evenness(statistics: ReadonlyMap<string, ChannelStatistics>): number[] {
  return [...statistics.values()].map(({ low, high }) => {
    const reaches = [...low].map((value, c) => Math.max(Math.abs(value), Math.abs(high[c] as number)))
    return Math.min(...reaches) / Math.max(...reaches)
  })
}

describe.each([
  [
    'with biases, as the shipped network',
    resnet(50, { variant: 'v2', width: 4, stages: [2, 2, 2, 1], strideIn: 'last-unit', stemPool: 'end' }),
  ],
  ['without biases', { ...preactResnet(18), width: 4, stages: [1, 2, 1, 1] }],
])('a pre-activation network %s', (_, description) => {
  const folded = foldBatchNorm(buildBackbone(description, unevenWeights()))
  const model = batchNormToConvolution(folded)

  it('has lone batch norms written as convolutions, and computes the same to 1e-5 of the largest number', async () => {
    expect(folded.graph.nodes.some(({ opType }) => opType === 'BatchNormalization')).toBe(true)
    expect(model.graph.nodes.some(({ opType }) => opType === 'BatchNormalization')).toBe(false)
    expectClose(await outputsOf(model), await outputsOf(folded))
  })

  it('computes the same with channels of equal reach', async () => {
    const values = streamValues(model)
    expect(values.length).toBeGreaterThan(5)
    const before = statisticsOf(await outputsOf(pruneModel(model, values)))
    const equal = equalizeChannels(model, before)
    expectClose(await outputsOf(equal), await outputsOf(model))
    const after = statisticsOf(await outputsOf(pruneModel(equal, values)))
    const mean = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0) / numbers.length
    expect(mean(evenness(after))).toBeGreaterThan(1.2 * mean(evenness(before)))
    // No channel of any value reaches beyond the unit that its stream gave it.
    for (const { low, high } of after.values()) expect(Math.max(...high, ...low.map((x) => -x))).toBeLessThan(1.0001)
  })
})

it('finds no stream in a network that adds after its activations', () => {
  const model = foldBatchNorm(buildBackbone(resnet(18, { width: 4, stages: [1, 1, 1, 1] }), randomWeights(1)))
  expect(channelStreams(model.graph)).toEqual([])
  expect(equalizeChannels(model, new Map())).toEqual(model)
})

function expectClose(actual: Record<string, FloatTensor>, expected: Record<string, FloatTensor>): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected))
  for (const [name, { data }] of Object.entries(expected)) {
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const difference = data.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (actual[name]?.data[i] as number))),
      0,
    )
    expect(difference / largest, name).toBeLessThan(1e-5)
  }
}
