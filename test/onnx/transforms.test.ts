import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeModel,
  dequantizeWeights,
  encodeModel,
  float32Of,
  foldBatchNorm,
  GraphBuilder,
  int8Of,
  joinModels,
  type Model,
  pruneModel,
  quantizeWeights,
  type Tensor,
  tensorFrom,
} from '../../src/onnx/index.ts'
import { everyOperator, tinyNetwork } from './models.ts'
import { type Feed, noise, runModel } from './run-model.ts'

const image: Feed = [noise(3 * 16 * 12), [1, 3, 16, 12]]

function tensorOf(model: Model, name: string): Tensor {
  const tensor = model.graph.initializers.get(name)
  if (!tensor) throw new Error(`no ${name}`)
  return tensor
}

function opTypes(model: Model): string[] {
  return model.graph.nodes.map((node) => node.opType)
}

async function expectSameResults(a: Model, b: Model, tolerance: number): Promise<void> {
  const [left, right] = [await runModel(a, { image }), await runModel(b, { image })]
  expect(Object.keys(right)).toEqual(Object.keys(left))
  for (const [name, { data }] of Object.entries(left)) {
    const largest = Math.max(...data.map(Math.abs))
    const worst = Math.max(...data.map((value, i) => Math.abs(value - (right[name]?.data[i] ?? Number.NaN))))
    expect(worst).toBeLessThanOrEqual(tolerance * largest)
  }
}

describe('foldBatchNorm', () => {
  it('makes batch norm part of the convolution', async () => {
    const folded = foldBatchNorm(tinyNetwork())
    expect(opTypes(folded)).not.toContain('BatchNormalization')
    expect([...folded.graph.initializers.keys()].sort()).toEqual([
      'conv1.bias',
      'conv1.weight',
      'conv2.bias',
      'conv2.weight',
      'fc.bias',
      'fc.weight',
    ])
    await expectSameResults(tinyNetwork(), folded, 1e-5)
  })

  it('gives the numbers of the formula', () => {
    const one = (value: number): Tensor => tensorFrom(Float32Array.of(value))
    const g = new GraphBuilder('g')
    const conv = g.conv(
      g.input('x', 'float32', [1, 1, 'H', 'W']),
      g.initializer('c.weight', tensorFrom(Float32Array.of(3), [1, 1, 1, 1])),
      g.initializer('c.bias', one(5)),
    )
    const [scale, bias, mean, variance] = [7, 11, 1, 4].map((value, i) => g.initializer(`n.${i}`, one(value)))
    if (!scale || !bias || !mean || !variance) throw new Error('unreachable')
    g.output(g.batchNormalization(conv, { scale, bias, mean, variance, epsilon: 0 }), 'y')
    const folded = foldBatchNorm(g.build())
    expect([...float32Of(tensorOf(folded, 'c.weight'))]).toEqual([10.5])
    expect([...float32Of(tensorOf(folded, 'c.bias'))]).toEqual([(5 - 1) * 3.5 + 11])
    expect(folded.graph.nodes.map((node) => [node.inputs, node.outputs])).toEqual([
      [['x', 'c.weight', 'c.bias'], ['y']],
    ])
  })

  it.each([-1e-5, -1, Number.NaN])('refuses a variance of %d, which would give no numbers', (variance) => {
    const g = new GraphBuilder('g')
    const parameter = (name: string, ...values: number[]) => g.initializer(name, tensorFrom(Float32Array.from(values)))
    const weight = g.initializer('c.weight', tensorFrom(Float32Array.of(3, 3), [2, 1, 1, 1]))
    const norm = {
      scale: parameter('n.weight', 1, 1),
      bias: parameter('n.bias', 0, 0),
      mean: parameter('n.running_mean', 0, 0),
      variance: parameter('n.running_var', 1, variance),
      epsilon: 1e-5,
    }
    g.output(g.batchNormalization(g.conv(g.input('x', 'float32', [1, 1, 'H', 'W']), weight), norm), 'y')
    const fold = () => foldBatchNorm(g.build())
    expect(fold).toThrow(
      /a variance above 0 once epsilon \(0\.00001\) is added for element 1 of tensor "n\.running_var"/,
    )
    expect(fold).toThrow(expect.objectContaining({ code: 'WEIGHTS_INVALID' }))
  })

  it('takes an empty name for a bias that is left out', () => {
    const model = tinyNetwork()
    const nodes = model.graph.nodes.map((node) =>
      node.opType === 'Conv' && node.inputs.length === 2 ? { ...node, inputs: [...node.inputs, ''] } : node,
    )
    const folded = foldBatchNorm({ ...model, graph: { ...model.graph, nodes } })
    expect(folded.graph.initializers).toEqual(foldBatchNorm(model).graph.initializers)
  })

  it('leaves a convolution that something else reads, and a weight that another convolution shares', async () => {
    const build = (alsoReads: boolean): Model => {
      const g = new GraphBuilder('g')
      const x = g.input('image', 'float32', [1, 3, 'H', 'W'])
      const weight = g.initializer('c.weight', tensorFrom(noise(9), [3, 3, 1, 1]))
      const conv = g.conv(x, weight)
      const [scale, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) =>
        g.initializer(`n.${name}`, tensorFrom(Float32Array.of(0.5, 1, 2))),
      )
      if (!scale || !bias || !mean || !variance) throw new Error('unreachable')
      const norm = g.batchNormalization(conv, { scale, bias, mean, variance })
      g.output(alsoReads ? g.add(norm, conv) : g.conv(norm, weight), 'y')
      return g.build()
    }
    expect(opTypes(foldBatchNorm(build(true)))).toEqual(['Conv', 'BatchNormalization', 'Add'])
    const shared = foldBatchNorm(build(false))
    expect(opTypes(shared)).toEqual(['Conv', 'Conv'])
    expect(shared.graph.initializers.has('c.weight_1')).toBe(true)
    await expectSameResults(build(false), shared, 1e-5)
  })
})

describe('quantizeWeights and dequantizeWeights', () => {
  const stored = quantizeWeights(tinyNetwork(), { minimumElements: 1 })

  it('store weights as int8 with one scale per output channel', () => {
    const weight = float32Of(tensorOf(tinyNetwork(), 'conv1.weight'))
    const values = int8Of(tensorOf(stored, 'conv1.weight.int8'))
    const scales = float32Of(tensorOf(stored, 'conv1.weight.scale'))
    expect(scales.length).toBe(8)
    for (let c = 0; c < 8; c++) {
      const channel = weight.subarray(c * 27, (c + 1) * 27)
      const scale = scales[c] ?? 0
      expect(scale).toBeCloseTo(Math.max(...channel.map(Math.abs)) / 127, 8)
      expect(Math.max(...values.subarray(c * 27, (c + 1) * 27).map(Math.abs))).toBe(127)
      channel.forEach((value, i) => {
        expect(Math.abs((values[c * 27 + i] ?? 0) * scale - value)).toBeLessThanOrEqual(scale / 2 + 1e-7)
      })
    }
    expect(tensorOf(stored, 'conv1.bias'.replace('1', '2')).dataType).toBe('float32')
    expect(stored.graph.initializers.has('conv1.weight')).toBe(false)
  })

  it('run in ONNX Runtime, give the same as their float32 form, and come near the original', async () => {
    await expectSameResults(stored, dequantizeWeights(stored), 1e-6)
    await expectSameResults(tinyNetwork(), stored, 0.02)
    expect(opTypes(dequantizeWeights(stored))).toEqual(opTypes(tinyNetwork()))
  })

  it('are inverse: quantise(dequantise(x)) is x, bit for bit', () => {
    const again = quantizeWeights(dequantizeWeights(stored), { minimumElements: 1 })
    const sorted = (model: Model): [string, Tensor][] =>
      [...model.graph.initializers].sort(([a], [b]) => (a < b ? -1 : 1))
    expect(sorted(again)).toEqual(sorted(stored))
    expect(again.graph.nodes.length).toBe(stored.graph.nodes.length)
  })

  it('give back any int8 weights whose channels use the whole range', () => {
    const positive = fc.double({ min: 1e-6, max: 10, noNaN: true }).map(Math.fround)
    const channels = fc.array(fc.tuple(positive, fc.int8Array({ min: -127, max: 127, minLength: 6, maxLength: 6 })), {
      minLength: 1,
      maxLength: 20,
    })
    fc.assert(
      fc.property(channels, fc.boolean(), (rows, isTransposed) => {
        const int8 = new Int8Array(rows.flatMap(([, values]) => [127, ...values]))
        const weight = new Float32Array(rows.flatMap(([scale, values]) => [127, ...values].map((v) => v * scale)))
        const model = linear(weight, rows.length, 7, isTransposed)
        const result = quantizeWeights(model, { minimumElements: 1 })
        const got = int8Of(tensorOf(result, 'fc.weight.int8'))
        const at = (c: number, i: number): number => (isTransposed ? i * rows.length + c : c * 7 + i)
        for (let c = 0; c < rows.length; c++) for (let i = 0; i < 7; i++) expect(got[at(c, i)]).toBe(int8[c * 7 + i])
        const back = dequantizeWeights(result)
        expect(tensorOf(back, 'fc.weight').bytes).toEqual(tensorOf(model, 'fc.weight').bytes)
      }),
    )
  })

  it('leave small tensors, and refuse weights that are not finite', () => {
    expect(quantizeWeights(tinyNetwork()).graph.initializers).toEqual(tinyNetwork().graph.initializers)
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const model = linear(Float32Array.of(1, value), 1, 2, false)
      expect(() => quantizeWeights(model, { minimumElements: 1 })).toThrowError(
        expect.objectContaining({ code: 'GRAPH_INVALID' }),
      )
    }
    const zeros = quantizeWeights(linear(new Float32Array(4), 2, 2, false), { minimumElements: 1 })
    expect([...float32Of(tensorOf(zeros, 'fc.weight.scale'))]).toEqual([1, 1])
  })

  it('dequantise uint8 with zero points', () => {
    const g = new GraphBuilder('g')
    const weight = g.dequantizeLinear(
      g.initializer('w.uint8', tensorFrom(Uint8Array.of(128, 130, 0, 255), [2, 2])),
      g.initializer('w.scale', tensorFrom(Float32Array.of(0.5, 2))),
      g.initializer('w.zero', tensorFrom(Uint8Array.of(128, 1))),
      0,
    )
    g.output(g.matMul(g.input('x', 'float32', ['R', 2]), weight), 'y')
    const plain = dequantizeWeights(g.build())
    expect([...float32Of(tensorOf(plain, weight.name))]).toEqual([0, 1, -2, 508])
    expect(plain.graph.initializers.size).toBe(1)
  })

  it('leave quantised activations alone', () => {
    expect(opTypes(dequantizeWeights(everyOperator()))).toEqual(opTypes(everyOperator()))
  })
})

describe('pruneModel', () => {
  it('keeps only what an output needs', () => {
    const { graph } = pruneModel(tinyNetwork(), ['c2'])
    expect(graph.outputs).toEqual([{ name: 'c2', dataType: 'float32', dims: [1, 8, 'ceil(H/2)', 'ceil(W/2)'] }])
    expect(graph.initializers.has('fc.weight')).toBe(false)
    expect(graph.nodes.at(-1)?.outputs).toEqual(['c2'])
    expect(pruneModel(everyOperator(), ['out4']).graph.inputs.map((input) => input.name)).toEqual(['image', 'boxes'])
  })

  it('cuts a graph open at an inner value', async () => {
    const cut = pruneModel(tinyNetwork(), ['Relu', 'scores'])
    expect(cut.graph.outputs[0]).toEqual({ name: 'Relu', dataType: 'float32', dims: [1, 8, 'ceil(H/2)', 'ceil(W/2)'] })
    expect((await runModel(cut, { image })).Relu?.dims).toEqual([1, 8, 8, 6])
    expect(() => pruneModel(tinyNetwork(), ['nowhere'])).toThrowError(/a value of graph "tiny"/)
  })
})

describe('joinModels', () => {
  const head = (name = 'head', channels = 8): Model => {
    const g = new GraphBuilder(name)
    const c2 = g.input('c2', 'float32', [1, channels, 'H', 'W'])
    const shift = g.input('shift', 'float32', [1])
    const weight = g.initializer('conv1.weight', tensorFrom(noise(2 * channels, 5), [2, channels, 1, 1]))
    g.output(g.add(g.relu(g.conv(c2, weight)), shift), 'logits')
    return g.build({ licence: 'some' })
  }

  it('runs the first and then the second', async () => {
    const joined = joinModels(tinyNetwork(), head(), { outputs: ['logits', 'c2'] })
    const shift: Feed = [Float32Array.of(3), [1]]
    const { c2 } = await runModel(tinyNetwork(), { image })
    if (!c2) throw new Error('no c2')
    const apart = await runModel(head(), { c2: [Float32Array.from(c2.data), c2.dims], shift })
    const together = await runModel(decodeModel(encodeModel(joined)), { image, shift })
    expect(together).toEqual({ ...apart, c2 })
    expect(joined.graph.inputs.map((input) => input.name)).toEqual(['image', 'shift'])
    expect(joined.graph.initializers.has('fc.weight')).toBe(false)
  })

  it('shares weights and renames what both have', () => {
    const [first, second] = [tinyNetwork(), head()]
    const joined = joinModels(first, second)
    expect(tensorOf(joined, 'conv1.weight')).toBe(tensorOf(first, 'conv1.weight'))
    expect(tensorOf(joined, 'head.conv1.weight')).toBe(tensorOf(second, 'conv1.weight'))
    const names = joined.graph.nodes.map((node) => node.name)
    expect(new Set(names).size).toBe(names.length)
    expect(joined.graph.outputs).toEqual([{ name: 'logits', dataType: 'float32', dims: [1, 2, '', ''] }])
  })

  it('keeps the output names of the second when the first uses them inside', async () => {
    const g = new GraphBuilder('head')
    g.output(g.relu(g.input('c2', 'float32', [1, 8, 'H', 'W'])), 'Relu')
    const joined = joinModels(tinyNetwork(), g.build())
    const { c2 } = await runModel(tinyNetwork(), { image })
    expect((await runModel(joined, { image })).Relu?.data).toEqual(c2?.data.map((value) => Math.max(0, value)))
  })

  it.each<[string, () => Model, RegExp]>([
    ['nothing in common', () => joinModels(head(), tinyNetwork()), /outputs among image/],
    ['other channels', () => joinModels(tinyNetwork(), head('head', 4)), /input "c2"/],
    ['other operator sets', () => joinModels(tinyNetwork(), { ...head(), opset: 18 }), /operator set 17/],
    ['an output of neither', () => joinModels(tinyNetwork(), head(), { outputs: ['x'] }), /one of c2, scores, logits/],
  ])('refuses %s', (_, work, message) => {
    expect(work).toThrowError(
      expect.objectContaining({ code: 'GRAPH_INVALID', message: expect.stringMatching(message) }),
    )
  })
})

/** x [R, columns] times a weight of `rows` output channels, by Gemm [out, in] or MatMul [in, out]. */
function linear(weight: Float32Array, rows: number, columns: number, isTransposed: boolean): Model {
  const g = new GraphBuilder('linear')
  const x = g.input('x', 'float32', ['R', columns])
  if (!isTransposed) {
    g.output(g.gemm(x, g.initializer('fc.weight', tensorFrom(weight, [rows, columns]))), 'y')
    return g.build()
  }
  const turned = new Float32Array(weight.length)
  for (let c = 0; c < rows; c++) for (let i = 0; i < columns; i++) turned[i * rows + c] = weight[c * columns + i] ?? 0
  g.output(g.matMul(x, g.initializer('fc.weight', tensorFrom(turned, [columns, rows]))), 'y')
  return g.build()
}
