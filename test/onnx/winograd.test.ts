import { describe, expect, it } from 'vitest'
import { type ConvOptions, GraphBuilder, type Value } from '../../src/onnx/graph.ts'
import type { Model } from '../../src/onnx/model.ts'
import { tensorFrom } from '../../src/onnx/tensors.ts'
import { halveWeights } from '../../src/onnx/transforms/halve-weights.ts'
import { quantizeWeights } from '../../src/onnx/transforms/quantize-weights.ts'
import { winogradConvolutions } from '../../src/onnx/transforms/winograd.ts'
import { noise, runModel } from './run-model.ts'

interface Layer extends ConvOptions {
  readonly inputs?: number
  readonly outputs?: number
  readonly kernel?: number
  readonly hasBias?: boolean
}

function convolution({ inputs = 5, outputs = 7, kernel = 3, hasBias = true, ...options }: Layer): Model {
  const graph = new GraphBuilder('one')
  const group = options.group ?? 1
  const dims = [outputs, inputs / group, kernel, kernel]
  const weight = graph.initializer('layer.weight', tensorFrom(noise(outputs * (inputs / group) * kernel ** 2), dims))
  const bias = hasBias ? graph.initializer('layer.bias', tensorFrom(noise(outputs, 9))) : undefined
  graph.output(graph.conv(graph.input('x', 'float32', ['N', inputs, 'H', 'W']), weight, bias, options), 'y')
  return graph.build()
}

const operators = ({ graph }: Model): string[] => graph.nodes.map(({ opType }) => opType)

/** How far the second model's output is from the first's, as a share of the largest value. */
async function difference(model: Model, other: Model, dims: readonly number[]): Promise<number> {
  const x = noise(
    dims.reduce((product, dim) => product * dim, 1),
    3,
  )
  const [{ y: expected }, { y: found }] = [
    await runModel(model, { x: [x, dims] }),
    await runModel(other, { x: [x, dims] }),
  ]
  if (!expected || !found) throw new Error('no output')
  expect(found.dims).toEqual(expected.dims)
  const largest = Math.max(...expected.data.map(Math.abs))
  return Math.max(...expected.data.map((value, i) => Math.abs(value - (found.data[i] ?? Number.NaN)))) / largest
}

describe('winogradConvolutions', () => {
  const sizes = [
    [1, 1],
    [4, 8],
    [5, 7],
    [6, 2],
    [3, 9],
    [16, 13],
  ] as const
  it('gives what the convolution gives, at any size and for several images', async () => {
    const model = convolution({ pads: 1 })
    const other = winogradConvolutions(model, 5)
    expect(operators(other)).toContain('ConvTranspose')
    for (const [height, width] of sizes) {
      for (const images of [1, 3]) {
        expect(await difference(model, other, [images, 5, height, width])).toBeLessThan(2e-5)
      }
    }
  })

  it('does without a bias', async () => {
    const model = convolution({ pads: 1, hasBias: false })
    expect(await difference(model, winogradConvolutions(model, 1), [1, 5, 9, 6])).toBeLessThan(2e-5)
  })

  it('takes weights as they are stored, in int8 or float16', async () => {
    for (const store of [quantizeWeights, halveWeights]) {
      const model = store(convolution({ inputs: 32, outputs: 32, pads: 1 }))
      expect([...model.graph.initializers.values()].map(({ dataType }) => dataType)).toEqual(
        expect.arrayContaining([store === quantizeWeights ? 'int8' : 'float16']),
      )
      const other = winogradConvolutions(model, 1)
      expect(operators(other)).toContain('ConvTranspose')
      expect(await difference(model, other, [1, 32, 9, 6])).toBeLessThan(2e-5)
    }
  })

  it('transforms weights that several convolutions share once', async () => {
    const graph = new GraphBuilder('shared')
    const weight = graph.initializer('layer.weight', tensorFrom(noise(6 * 6 * 9, 2), [6, 6, 3, 3]))
    const layer = (x: Value): Value => graph.relu(graph.conv(x, weight, undefined, { pads: 1 }))
    graph.output(layer(layer(graph.input('x', 'float32', [1, 6, 'H', 'W']))), 'y')
    const model = graph.build()
    const other = winogradConvolutions(model, 1)
    expect(operators(other).filter((opType) => opType === 'Gemm')).toHaveLength(1)
    expect(await difference(model, other, [1, 6, 10, 11])).toBeLessThan(2e-5)
  })

  it('leaves what has no such form, or too few channels', () => {
    const others: Layer[] = [
      { pads: 0 },
      { pads: 1, stride: 2 },
      { pads: 2, dilation: 2 },
      { inputs: 6, outputs: 6, pads: 1, group: 2 },
      { kernel: 1 },
      { kernel: 5, pads: 1 },
    ]
    for (const layer of others) {
      const model = convolution(layer)
      expect(winogradConvolutions(model, 1)).toBe(model)
    }
    const model = convolution({ pads: 1 })
    expect(winogradConvolutions(model, 6)).toBe(model)
  })

  it('leaves weights that are computed', () => {
    const graph = new GraphBuilder('computed')
    const weight = graph.input('weight', 'float32', [4, 4, 3, 3])
    graph.output(
      graph.conv(graph.input('x', 'float32', [1, 4, 'H', 'W']), graph.relu(weight), undefined, { pads: 1 }),
      'y',
    )
    const model = graph.build()
    expect(winogradConvolutions(model, 1)).toBe(model)
  })
})
