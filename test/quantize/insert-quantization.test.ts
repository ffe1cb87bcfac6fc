import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/onnx/graph.ts'
import type { Model } from '../../src/onnx/model.ts'
import { tensorFrom } from '../../src/onnx/tensors.ts'
import { dequantizeWeights } from '../../src/onnx/transforms/dequantize-weights.ts'
import { insertQuantization } from '../../src/onnx/transforms/insert-quantization.ts'
import { integerLayout } from '../../src/onnx/transforms/integer-layout.ts'
import { quantizeWeights } from '../../src/onnx/transforms/quantize-weights.ts'
import { biasCorrections, int8Weights, layerGroups } from '../../src/quantize/layers.ts'
import { seededRandom } from '../../src/random.ts'
import { furthest, runOnNoise } from '../onnx/run-on-noise.ts'

const next = seededRandom(5)
const random = (count: number, reach = 1): Float32Array =>
  Float32Array.from({ length: count }, () => reach * (2 * next() - 1))

/** conv a, ReLU, conv b added to conv c, max-pool, conv d: every kind of node that can be bytes, and a sigmoid. */
function smallModel(): Model {
  const graph = new GraphBuilder('small')
  const image = graph.input('image', 'float32', [1, 3, 8, 8])
  const conv = (name: string, x: typeof image, inputs: number, outputs: number) =>
    graph.conv(
      x,
      graph.initializer(`${name}.weight`, tensorFrom(random(outputs * inputs * 9, 0.3), [outputs, inputs, 3, 3])),
      graph.initializer(`${name}.bias`, tensorFrom(random(outputs))),
      { pads: 1 },
    )
  const a = graph.relu(conv('a', image, 3, 8))
  const sum = graph.add(conv('b', a, 8, 8), conv('c', a, 8, 8))
  const pooled = graph.maxPool(sum, { kernel: 2, stride: 2 })
  graph.output(graph.sigmoid(conv('d', pooled, 8, 4)), 'score')
  graph.output(pooled, 'map')
  return graph.build()
}

const model = smallModel()
const all = integerLayout(model.graph, () => true)
const scales = new Map(
  all.values.map((value) => [
    value,
    value === 'Relu' ? { scale: 0.02, zeroPoint: 0 } : { scale: 0.04, zeroPoint: 128 },
  ]),
)
const weights = int8Weights(model, { layout: all, scales })
const integer = insertQuantization(model, { layout: all, scales, weights, corrections: new Map() })

describe('integerLayout', () => {
  it('takes layers and what lies between them, drops the ReLU, and shares the bytes of a pool', () => {
    expect([...all.nodes].map(({ opType }) => opType)).toEqual(['Conv', 'Conv', 'Conv', 'Add', 'MaxPool', 'Conv'])
    expect([...all.relus.values()].map(({ opType }) => opType)).toEqual(['Relu'])
    expect([...all.sameAs.values()]).toEqual(['Add'])
    expect(all.values).toContain('image')
  })

  it('leaves an addition alone that reads no bytes', () => {
    const layout = integerLayout(model.graph, ({ outputs }) => !['b', 'c'].includes(outputs[0] ?? ''))
    expect([...layout.nodes].map(({ opType }) => opType)).toEqual(['Conv', 'Conv'])
  })
})

describe('insertQuantization', () => {
  it('computes what float32 computes, to a few of its steps of 0.04', async () => {
    const [expected, actual] = [await runOnNoise(model), await runOnNoise(integer)]
    expect(furthest(expected.map, actual.map)).toBeGreaterThan(0)
    expect(furthest(expected.map, actual.map)).toBeLessThan(0.16)
    expect(furthest(expected.score, actual.score)).toBeLessThan(0.05)
  })

  it('keeps inputs and outputs, and writes standard operators only', () => {
    expect(integer.graph.inputs).toEqual(model.graph.inputs)
    expect(integer.graph.outputs.map(({ name, dataType }) => [name, dataType])).toEqual([
      ['score', 'float32'],
      ['map', 'float32'],
    ])
    expect(integer.graph.nodes.every(({ domain }) => domain === '')).toBe(true)
    expect(integer.opset).toBe(17)
    const names = integer.graph.nodes.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('stores weights as int8 and biases as int32', () => {
    const types = [...integer.graph.initializers].map(([name, { dataType }]) => `${name} ${dataType}`)
    expect(types).toContain('a.weight.int8 int8')
    expect(types).toContain('a.bias.int32 int32')
    expect(types.some((each) => each.startsWith('a.weight float32'))).toBe(false)
  })

  it('survives the transform that gives weights back their float32 form, but for layers that stayed in it', () => {
    expect(dequantizeWeights(integer)).toEqual(integer)
    const layout = integerLayout(model.graph, ({ outputs }) => outputs[0] !== 'b')
    const mixed = insertQuantization(model, { layout, scales, weights, corrections: new Map() })
    const stored = quantizeWeights(mixed, { minimumElements: 1 })
    expect(stored.graph.initializers.has('b.weight')).toBe(false)
    const loaded = dequantizeWeights(stored)
    expect(loaded.graph.initializers.get('b.weight')?.dataType).toBe('float32')
    expect(loaded.graph.initializers.has('a.weight.int8')).toBe(true)
  })

  it('refuses a value without a scale by its name', () => {
    const form = { layout: all, scales: new Map(), weights, corrections: new Map() }
    expect(() => insertQuantization(model, form)).toThrow(/a scale for value "image"/)
  })
})

describe('biasCorrections', () => {
  it('brings the mean of each output back to what it is in float32', async () => {
    // Inputs of one value have no border and no rounding, so that the weights alone are to blame.
    const graph = new GraphBuilder('flat')
    const x = graph.input('x', 'float32', [1, 6, 4, 4])
    const weight = tensorFrom(random(4 * 6, 1), [4, 6, 1, 1])
    graph.output(graph.conv(x, graph.initializer('w', weight), graph.initializer('b', tensorFrom(random(4)))), 'y')
    const flat = graph.build()
    const layout = integerLayout(flat.graph, () => true)
    const forms = {
      layout,
      scales: new Map([
        ['x', { scale: 0.01, zeroPoint: 0 }],
        ['y', { scale: 0.1, zeroPoint: 128 }],
      ]),
    }
    const rounded = int8Weights(flat, forms)
    const means = new Map([['x', Float64Array.from({ length: 6 }, (_, c) => c / 4)]])
    const correction = biasCorrections(flat, { layout, weights: rounded }, means).get('y')
    const { values, scales: steps } = rounded.get('w') ?? { values: [], scales: [] }
    const source = new Float32Array(weight.bytes.buffer)
    for (let o = 0; o < 4; o++) {
      let error = 0
      for (let c = 0; c < 6; c++)
        error += ((values[o * 6 + c] ?? 0) * (steps[o] ?? 0) - (source[o * 6 + c] ?? 0)) * (c / 4)
      expect(correction?.[o]).toBeCloseTo(-error, 6)
    }
  })
})

it('groups a residual unit, and what has no weights of its own with the layer before it', () => {
  const groups = [...layerGroups(model)].map(([{ opType }, group]) => `${opType} ${group}`)
  expect(groups).toEqual(['Conv a', 'Relu a', 'Conv b', 'Conv c', 'Add c', 'MaxPool c', 'Conv d', 'Sigmoid d'])
})
