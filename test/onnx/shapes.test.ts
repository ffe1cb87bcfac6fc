import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ceilDivide, productDims, quotientDims, sumDims, type Window, windowCount } from '../../src/onnx/dims.ts'
import type { Dim } from '../../src/onnx/index.ts'
import {
  countOperations,
  decodeModel,
  encodeModel,
  GraphBuilder,
  inferShapes,
  quantizeWeights,
  type Value,
} from '../../src/onnx/index.ts'
import { everyOperator, tinyNetwork } from './models.ts'
import { noise, runModel } from './run-model.ts'

/** The number that an expression over H stands for. */
function evaluate(dim: Dim, height: number): number {
  if (typeof dim === 'number') return dim
  const work = new Function('H', 'ceil', 'floor', `return ${dim}`)
  return work(height, Math.ceil, Math.floor) as number
}

const window: fc.Arbitrary<Window> = fc.record({
  kernel: fc.integer({ min: 1, max: 11 }),
  stride: fc.integer({ min: 1, max: 4 }),
  dilation: fc.integer({ min: 1, max: 3 }),
  padding: fc.nat(8),
})

describe('a graph that doubles what it has is refused before that fills the memory', () => {
  const doubled = (first: (graph: GraphBuilder, image: Value) => Value) => () => {
    const graph = new GraphBuilder('doubled')
    let value = first(graph, graph.input('image', 'float32', ['H', 'W']))
    for (let i = 0; i < 40; i++) value = graph.concat([value, value], 0)
  }

  it.each<[string, Parameters<typeof doubled>[0], RegExp]>([
    ['the elements of a shape', (graph, image) => graph.shape(image), /a shape of at most 1024 sizes.*2048/],
    ['the name of a dimension', (graph, image) => graph.relu(image), /free dimensions in few words/],
  ])('%s', (_, first, message) => {
    expect(doubled(first)).toThrow(message)
  })

  it('and so is a node of very many inputs', () => {
    const graph = new GraphBuilder('wide')
    const image = graph.input('image', 'float32', ['H', 'W'])
    expect(() => graph.concat(Array(2000).fill(image), 0)).toThrow(/at most 1024 inputs.*2000/)
  })
})

describe('dimensions as expressions', () => {
  it('say what counting says, through any chain of windows', () => {
    fc.assert(
      fc.property(
        fc.array(window, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 200, max: 999 }),
        (windows, h) => {
          let free: Dim = 'H'
          let size: Dim = h
          for (const step of windows) {
            free = windowCount(free, step)
            size = windowCount(size, step)
          }
          expect(evaluate(free, h)).toBe(size)
        },
      ),
    )
  })

  it('count the positions of a window one by one', () => {
    fc.assert(
      fc.property(window, fc.integer({ min: 40, max: 90 }), (step, size) => {
        const { kernel, stride, dilation, padding } = step
        let positions = 0
        for (let at = 0; at + (kernel - 1) * dilation < size + padding; at += stride) positions++
        expect(windowCount(size, step)).toBe(positions)
      }),
    )
  })

  it('add, multiply and divide', () => {
    const part = fc.constantFrom<Dim>('H', 'ceil(H/4)', 'H-2', 'H+3', 2, 3, 7)
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.integer({ min: 9, max: 99 }), (parts, h) => {
        const numbers = parts.map((dim) => evaluate(dim, h))
        expect(evaluate(sumDims(parts), h)).toBe(numbers.reduce((a, b) => a + b, 0))
        const product = numbers.reduce((a, b) => a * b, 1)
        expect(evaluate(productDims(parts), h)).toBe(product)
        expect(evaluate(ceilDivide(sumDims(parts), 4), h)).toBe(Math.ceil(numbers.reduce((a, b) => a + b, 0) / 4))
        const [first = 1] = parts
        expect(evaluate(quotientDims(parts, [first]) ?? Number.NaN, h)).toBe(product / evaluate(first, h))
      }),
    )
    expect(quotientDims([2, 42], [5])).toBeUndefined()
    expect(quotientDims(['R', 84], [21])).toBe('4*R')
    expect(ceilDivide(ceilDivide('H', 2), 2)).toBe('ceil(H/4)')
  })
})

describe('inferShapes', () => {
  it('gives the sizes that ONNX Runtime gives, for every operator', async () => {
    const model = everyOperator()
    for (const [height, width] of [
      [64, 96],
      [57, 33],
    ] as const) {
      const inputDims = { image: [1, 3, height, width], rois: [2, 4], batch: [2], boxes: [2, 5] }
      const shapes = inferShapes(model, inputDims)
      const results = await runModel(model, {
        image: [noise(3 * height * width), inputDims.image],
        rois: [Float32Array.of(0, 0, 20, 20, 4, 4, 30, 16), inputDims.rois],
        batch: [BigInt64Array.of(0n, 0n), inputDims.batch],
        boxes: [Float32Array.of(0, 0, 0, 20, 20, 0, 4, 4, 30, 16), inputDims.boxes],
      })
      for (const [name, { dims }] of Object.entries(results)) expect([name, shapes.get(name)]).toEqual([name, dims])
    }
  })

  it('reads a decoded file the same way', () => {
    const dims = { image: [1, 3, 32, 32] }
    expect(inferShapes(decodeModel(encodeModel(tinyNetwork())), dims)).toEqual(inferShapes(tinyNetwork(), dims))
  })

  it.each<[string, Record<string, number[]>]>([
    ['no size', {}],
    ['too few dimensions', { image: [3, 32, 32] }],
    ['other channels', { image: [1, 4, 32, 32] }],
    ['an unknown input', { image: [1, 3, 32, 32], photo: [1] }],
    ['a fraction', { image: [1, 3, 32, 0.5] }],
  ])('refuses %s', (_, dims) => {
    expect(() => inferShapes(tinyNetwork(), dims)).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

describe('countOperations', () => {
  it('counts as by hand', () => {
    const count = countOperations(tinyNetwork(), { image: [1, 3, 10, 7] })
    const cells = 5 * 4
    expect(count.perNode).toEqual([
      { name: 'conv1', opType: 'Conv', multiplyAdds: cells * 8 * 27 },
      { name: 'conv2', opType: 'Conv', multiplyAdds: cells * 64 },
      { name: 'conv2_1', opType: 'Conv', multiplyAdds: cells * 64 },
      { name: 'fc', opType: 'Gemm', multiplyAdds: 40 },
    ])
    expect(count.multiplyAdds).toBe(cells * (8 * 27 + 128) + 40)
    // Weight, scale and shift of batch norm, the shared weight once; not the running statistics.
    expect(count.parameters).toBe(8 * 27 + 16 + 64 + 8 + 40 + 5)
  })

  it('counts the same when weights are stored as int8', () => {
    const dims = { image: [1, 3, 10, 7] }
    const stored = quantizeWeights(tinyNetwork(), { minimumElements: 1 })
    expect(countOperations(stored, dims)).toEqual(countOperations(tinyNetwork(), dims))
  })
})
