import { describe, expect, it } from 'vitest'
import { encodeModel } from '../../src/onnx/codec.ts'
import { GraphBuilder } from '../../src/onnx/graph.ts'
import type { Model } from '../../src/onnx/model.ts'
import { tensorFrom } from '../../src/onnx/tensors.ts'
import { computeInHalf } from '../../src/onnx/transforms/compute-in-half.ts'
import { dequantizeWeights } from '../../src/onnx/transforms/dequantize-weights.ts'
import { halveWeights } from '../../src/onnx/transforms/halve-weights.ts'
import { insertQuantization } from '../../src/onnx/transforms/insert-quantization.ts'
import { integerLayout } from '../../src/onnx/transforms/integer-layout.ts'
import { restoreFloats } from '../../src/onnx/transforms/restore-floats.ts'
import { int8Weights } from '../../src/quantize/layers.ts'
import { seededRandom } from '../../src/random.ts'
import { nodeRuntime } from '../../src/runtime/node.ts'
import { furthest, runOnNoise } from './run-on-noise.ts'

const next = seededRandom(5)
const random = (count: number, reach = 1): Float32Array =>
  Float32Array.from({ length: count }, () => reach * (2 * next() - 1))

/** Convolutions, ReLU, addition, pool, a resize to another map's size, a product of matrices, and a sigmoid at the end. */
function smallModel(largest = 0.3): Model {
  const graph = new GraphBuilder('small')
  const image = graph.input('image', 'float32', [1, 3, 'H', 'W'])
  const conv = (name: string, x: typeof image, inputs: number, outputs: number) =>
    graph.conv(
      x,
      graph.initializer(`${name}.weight`, tensorFrom(random(outputs * inputs * 9, largest), [outputs, inputs, 3, 3])),
      graph.initializer(`${name}.bias`, tensorFrom(random(outputs))),
      { pads: 1 },
    )
  const a = graph.relu(conv('a', image, 3, 8))
  const sum = graph.add(conv('b', a, 8, 8), conv('c', a, 8, 8))
  const pooled = graph.maxPool(sum, { kernel: 2, stride: 2 })
  graph.output(graph.resizeNearestTo(pooled, a), 'wide')
  const vector = graph.flatten(graph.globalAveragePool(graph.relu(conv('d', pooled, 8, 4))))
  const weight = graph.initializer('fc.weight', tensorFrom(random(20), [5, 4]))
  graph.output(graph.sigmoid(graph.gemm(vector, weight)), 'score')
  return graph.build()
}

const model = smallModel()

describe('restoreFloats', () => {
  it('gives back what was made int8, but for the rounding of the weights', async () => {
    const layout = integerLayout(model.graph, () => true)
    const scales = new Map(
      layout.values.map((value) => [
        value,
        value.startsWith('Relu') ? { scale: 0.03, zeroPoint: 0 } : { scale: 0.05, zeroPoint: 128 },
      ]),
    )
    const weights = int8Weights(model, { layout, scales })
    const integer = insertQuantization(model, { layout, scales, weights, corrections: new Map() })
    const restored = dequantizeWeights(restoreFloats(integer))
    const operators = restored.graph.nodes.map(({ opType }) => opType)
    expect(operators).not.toContain('QuantizeLinear')
    expect(operators).not.toContain('DequantizeLinear')
    expect(operators.filter((opType) => opType === 'Relu')).toHaveLength(2)
    const [expected, bytes, floats] = [await runOnNoise(model), await runOnNoise(integer), await runOnNoise(restored)]
    for (const name of ['wide', 'score']) {
      expect(furthest(expected[name], floats[name])).toBeLessThan(0.05)
      expect(furthest(expected[name], floats[name])).toBeLessThan(furthest(expected[name], bytes[name]))
    }
  })

  it('leaves a graph without bytes as it is', () => {
    expect(restoreFloats(model).graph.nodes).toEqual(model.graph.nodes)
  })
})

describe('computeInHalf', () => {
  it('computes in float16 what float32 computes, with float32 inputs and outputs', async () => {
    const half = computeInHalf(model)
    expect([...half.graph.initializers.values()].filter(({ dataType }) => dataType === 'float32')).toEqual([])
    expect(half.graph.inputs).toEqual(model.graph.inputs)
    expect(half.graph.outputs).toEqual(model.graph.outputs)
    // One cast in, and one in front of the sigmoid and of the map.
    expect(half.graph.nodes.filter(({ opType }) => opType === 'Cast')).toHaveLength(3)
    const [expected, actual] = [await runOnNoise(model), await runOnNoise(half)]
    expect(furthest(expected.wide, actual.wide)).toBeGreaterThan(0)
    expect(furthest(expected.wide, actual.wide)).toBeLessThan(0.01)
    expect(furthest(expected.score, actual.score)).toBeLessThan(0.002)
  })

  it('lets numbers that are too large be seen at the outputs', async () => {
    const { nodes } = computeInHalf(smallModel(6e4)).graph
    expect(nodes.map(({ opType }) => opType)).not.toContain('Relu')
    const graph = new GraphBuilder('rectify')
    graph.output(graph.relu(graph.input('x', 'float32', [3])), 'y')
    const half = computeInHalf(graph.build())
    const session = await (await nodeRuntime()).open(encodeModel(half), 'cpu')
    const data = Float32Array.of(Number.NaN, -2, 3)
    const { y } = await session.run({ x: { dataType: 'float32', dims: [3], data } })
    await session.dispose()
    expect(y && 'data' in y && [...y.data]).toEqual([Number.NaN, 0, 3])
  })

  it('keeps a layer in float32 whose weights float16 cannot hold', async () => {
    const large = smallModel(1e5)
    const half = computeInHalf(large)
    expect(half.graph.initializers.get('a.weight')?.dataType).toBe('float32')
    expect((await runOnNoise(half)).score?.every(Number.isFinite)).toBe(true)
  })
})

describe('dequantizeWeights', () => {
  it('also gives back weights that are stored as float16', () => {
    const graph = new GraphBuilder('wide')
    const x = graph.input('x', 'float32', [1, 64])
    const weight = graph.initializer('fc.weight', tensorFrom(random(4096), [64, 64]))
    graph.output(graph.gemm(x, weight), 'y')
    const source = graph.build()
    const restored = dequantizeWeights(halveWeights(source))
    expect(restored.graph.nodes).toEqual(source.graph.nodes)
    const tensor = restored.graph.initializers.get('fc.weight')
    expect(tensor?.dataType).toBe('float32')
    const [before, after] = [source, restored].map(
      ({ graph: { initializers } }) => new Float32Array(initializers.get('fc.weight')?.bytes.slice().buffer ?? []),
    )
    expect(furthest(before, after)).toBeGreaterThan(0)
    expect(furthest(before, after)).toBeLessThan(5e-4)
  })
})
