import { describe, expect, it } from 'vitest'
import { GraphBuilder, tensorFrom } from '../../src/onnx/index.ts'
import { tinyNetwork } from './models.ts'

const zeros = (...dims: number[]) => tensorFrom(new Float32Array(dims.reduce((a, b) => a * b, 1)), dims)

describe('GraphBuilder', () => {
  it('names nodes after their weights, the rest by operator and number', () => {
    expect(tinyNetwork().graph.nodes.map((node) => node.name)).toEqual([
      'conv1',
      'bn1',
      'Relu',
      'conv2',
      'conv2_1',
      'Add',
      'GlobalAveragePool',
      'Flatten',
      'fc',
    ])
  })

  it('writes free sizes as expressions, and equal sizes equally', () => {
    const g = new GraphBuilder('g')
    const x = g.input('x', 'float32', [1, 3, 'H', 'W'])
    const stem = g.conv(x, g.initializer('a.weight', zeros(4, 3, 7, 7)), undefined, { stride: 2, pads: 3 })
    expect(stem.dims).toEqual([1, 4, 'ceil(H/2)', 'ceil(W/2)'])
    const pooled = g.maxPool(stem, { kernel: 3, stride: 2, pads: 1 })
    expect(pooled.dims).toEqual([1, 4, 'ceil(H/4)', 'ceil(W/4)'])
    const same = g.conv(pooled, g.initializer('b.weight', zeros(4, 4, 3, 3)), undefined, { pads: 1 })
    expect(same.dims).toEqual(pooled.dims)
    const sliced = g.slice(same, [
      { axis: 2, step: 2 },
      { axis: 3, step: 2 },
    ])
    expect(sliced.dims).toEqual(g.maxPool(same, { kernel: 1, stride: 2 }).dims)
    expect(g.maxPool(stem, { kernel: 2, stride: 2 }).dims[2]).toBe('floor(ceil(H/2)/2)')
    expect(g.maxPool(stem, { kernel: 2, stride: 2, pads: 'same' }).dims[2]).toBe('ceil(H/4)')
    expect(g.conv(x, g.initializer('c.weight', zeros(4, 3, 3, 3))).dims[3]).toBe('W-2')
    expect(g.reshape(sliced, [0, 2, -1]).dims).toEqual([1, 2, '2*ceil(H/8)*ceil(W/8)'])
  })

  it('refuses a convolution over the wrong number of channels, with node and shapes', () => {
    const g = new GraphBuilder('g')
    const x = g.input('x', 'float32', [1, 4, 'H', 'W'])
    const weight = g.initializer('layer1.conv1.weight', zeros(8, 3, 3, 3))
    expect(() => g.conv(x, weight)).toThrowError(
      'Expected 3 channels for Conv node "layer1.conv1" but received 4; its inputs are [1, 4, H, W], [8, 3, 3, 3].',
    )
  })

  it.each<[string, (g: GraphBuilder) => unknown, RegExp]>([
    ['a size that is not whole', (g) => g.input('x', 'float32', [1, 2.5]), /sizes or names/],
    [
      'free channels',
      (g) => g.maxPool(g.input('f', 'float32', [1, 'C', 'H', 'W']), { kernel: 2 }),
      /a known size as ch/,
    ],
    [
      'a bias of another length',
      (g) => g.conv(map(g), g.initializer('w', zeros(8, 4, 1, 1)), g.initializer('b', zeros(4))),
      /shape \[8\]/,
    ],
    [
      'a group that does not divide',
      (g) => g.conv(map(g), g.initializer('w', zeros(3, 2, 1, 1)), undefined, { group: 2 }),
      /a group/,
    ],
    [
      'a window larger than the map',
      (g) => g.maxPool(g.input('s', 'float32', [1, 4, 2, 2]), { kernel: 3 }),
      /at least as large as its 3x3/,
    ],
    ['a stride of 0', (g) => g.maxPool(map(g), { kernel: 3, stride: 0 }), /strides of 1 or more/],
    ['adding other channels', (g) => g.add(map(g), g.input('y', 'float32', [1, 8, 'H', 'W'])), /shapes that fit/],
    ['adding another type', (g) => g.add(map(g), g.input('y', 'int64', [1])), /inputs of one type/],
    [
      'a layer over other inputs',
      (g) => g.gemm(g.input('v', 'float32', ['R', 7]), g.initializer('w', zeros(2, 8))),
      /8 inputs/,
    ],
    [
      'joining maps of other sizes',
      (g) => g.concat([g.input('p', 'float32', [1, 2, 3]), g.input('q', 'float32', [1, 2, 4])], 1),
      /equal but for axis 1/,
    ],
    ['a shape of another size', (g) => g.reshape(g.input('v', 'float32', [2, 84]), [-1, 5]), /a shape of 168 elements/],
    ['a shape of fewer elements', (g) => g.reshape(g.input('v', 'float32', ['R', 84]), [0, 42]), /elements/],
    [
      'RoIs of 4 numbers for RoIPool',
      (g) => g.maxRoiPool(map(g), g.input('r', 'float32', ['R', 4]), { outputSize: [7, 7], spatialScale: 1 }),
      /\[R, 5\]/,
    ],
    ['an axis that is not there', (g) => g.concat([map(g)], 4), /an axis of a value of 4 dimensions/],
    ['an unknown operator', (g) => g.op('NonMaxSuppression', [map(g)]), /No shape rule for operator NonMaxSuppression/],
    ['an operator named like a method', (g) => g.op('constructor', [map(g)]), /No shape rule/],
    ['a missing input', (g) => g.op('Add', [map(g)]), /input 1/],
    ['a name taken twice', (g) => [map(g), g.input('x', 'float32', [1])], /a name that is not taken/],
    ['a value of another graph', (g) => g.relu(map(new GraphBuilder('other'))), /values of graph "g"/],
    ['no output', (g) => g.build(), /an output/],
  ])('refuses %s', (_, work, message) => {
    let error: unknown
    try {
      work(new GraphBuilder('g'))
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ name: 'VertebraError', code: 'GRAPH_INVALID', message })
  })

  it('shares a weight asked for twice, but not two tensors of one name', () => {
    const g = new GraphBuilder('g')
    const tensor = zeros(2)
    expect(g.initializer('w', tensor)).toBe(g.initializer('w', tensor))
    expect(() => g.initializer('w', zeros(2))).toThrowError(/not taken/)
  })

  it('renames outputs, and copies inputs and values that are outputs already', () => {
    const g = new GraphBuilder('g')
    const x = g.input('x', 'float32', [1])
    const y = g.relu(x)
    g.output(y, 'a')
    g.output(y, 'b')
    g.output(x, 'c')
    g.output(g.relu(y), 'd')
    const { nodes, outputs } = g.build().graph
    expect(outputs.map((output) => output.name)).toEqual(['a', 'b', 'c', 'd'])
    expect(nodes.map(({ opType, inputs, outputs: made }) => [opType, inputs, made])).toEqual([
      ['Relu', ['x'], ['a']],
      ['Identity', ['a'], ['b']],
      ['Identity', ['x'], ['c']],
      ['Relu', ['a'], ['d']],
    ])
  })
})

function map(g: GraphBuilder) {
  return g.input('x', 'float32', [1, 4, 'H', 'W'])
}
