import { describe, expect, it } from 'vitest'
import { type Dim, GraphBuilder, inferShapes, int64Tensor, tensorFrom, type Value } from '../../src/onnx/index.ts'
import { type Feed, noise, range, runModel } from './run-model.ts'

/** Builds a graph of one operator on `x`, runs it, and checks that the inferred shape is the one that came out. */
async function apply(
  feed: Feed,
  build: (graph: GraphBuilder, x: Value) => Value,
  dims: readonly Dim[] = feed[1],
): Promise<{ dims: readonly number[]; data: readonly number[] }> {
  const graph = new GraphBuilder('test')
  graph.output(build(graph, graph.input('x', 'float32', dims)), 'y')
  const model = graph.build()
  const result = (await runModel(model, { x: feed })).y
  if (!result) throw new Error('no output')
  expect(inferShapes(model, { x: feed[1] }).get('y')).toEqual(result.dims)
  return result
}

const floats = (...values: number[]): Float32Array => new Float32Array(values)
const free = [1, 1, 'H', 'W']

describe('operators run in ONNX Runtime as the builder says', () => {
  it('Conv with bias, stride and padding', async () => {
    const y = await apply(
      [range(9), [1, 1, 3, 3]],
      (g, x) =>
        g.conv(
          x,
          g.initializer('c.weight', tensorFrom(new Float32Array(9).fill(1), [1, 1, 3, 3])),
          g.initializer('c.bias', tensorFrom(floats(0.5))),
          { stride: 2, pads: 1 },
        ),
      free,
    )
    expect(y).toEqual({ dims: [1, 1, 2, 2], data: [8.5, 12.5, 20.5, 24.5] })
  })

  it('Conv with groups, dilation and padding at one side only', async () => {
    const weight = tensorFrom(floats(1, 1, 10, 10), [2, 1, 1, 2])
    const y = await apply([range(8), [1, 2, 1, 4]], (g, x) =>
      g.conv(x, g.initializer('w', weight), undefined, { group: 2, dilation: 2, pads: [0, 0, 0, 1] }),
    )
    expect(y).toEqual({ dims: [1, 2, 1, 3], data: [2, 4, 2, 100, 120, 60] })
  })

  it('BatchNormalization', async () => {
    const y = await apply([floats(1, 2, 3, 4), [1, 2, 1, 2]], (g, x) => {
      const [scale, bias, mean, variance] = [floats(2, 3), floats(1, 0), floats(1, 3), floats(4, 0.25)].map((data, i) =>
        g.initializer(`bn.${i}`, tensorFrom(data)),
      )
      if (!scale || !bias || !mean || !variance) throw new Error('unreachable')
      return g.batchNormalization(x, { scale, bias, mean, variance, epsilon: 0 })
    })
    expect(y.data).toEqual([1, 2, 0, 6])
  })

  it('element-wise operators', async () => {
    const x: Feed = [floats(-1, 0, 2), [3]]
    expect((await apply(x, (g, v) => g.relu(v))).data).toEqual([0, 0, 2])
    expect((await apply(x, (g, v) => g.add(v, v))).data).toEqual([-2, 0, 4])
    expect((await apply(x, (g, v) => g.mul(v, v))).data).toEqual([1, 0, 4])
    expect((await apply(x, (g, v) => g.sub(v, g.relu(v)))).data).toEqual([-1, 0, 0])
    expect((await apply(x, (g, v) => g.identity(v))).data).toEqual([-1, 0, 2])
    expect((await apply([floats(0), [1]], (g, v) => g.sigmoid(v))).data).toEqual([0.5])
    expect((await apply([floats(7, 7), [1, 2]], (g, v) => g.softmax(v))).data).toEqual([0.5, 0.5])
    expect((await apply(x, (g, v) => g.cast(v, 'int64'))).data).toEqual([-1, 0, 2])
  })

  it('stretches a value per channel over a map', async () => {
    const bias = tensorFrom(floats(10, 20), [2, 1, 1])
    const y = await apply([range(4), [1, 2, 1, 2]], (g, x) => g.add(x, g.initializer('b', bias)), [1, 2, 'H', 'W'])
    expect(y.data).toEqual([10, 11, 22, 23])
  })

  it('pooling', async () => {
    const x: Feed = [range(16), [1, 1, 4, 4]]
    const stem = (g: GraphBuilder, v: Value): Value => g.maxPool(v, { kernel: 3, stride: 2, pads: [0, 0, 1, 1] })
    expect(await apply(x, stem, free)).toEqual({ dims: [1, 1, 2, 2], data: [10, 11, 14, 15] })
    const same = (g: GraphBuilder, v: Value): Value => g.maxPool(v, { kernel: 3, stride: 2, pads: 'same' })
    expect(await apply(x, same, free)).toEqual({ dims: [1, 1, 2, 2], data: [10, 11, 14, 15] })
    expect(await apply([range(9), [1, 1, 3, 3]], same, free)).toEqual({ dims: [1, 1, 2, 2], data: [4, 5, 7, 8] })
    const average = await apply(x, (g, v) => g.averagePool(v, { kernel: 2, stride: 2, pads: 1 }), free)
    expect(average.data).toEqual([0, 1.5, 3, 6, 7.5, 9, 12, 13.5, 15])
    const counted = await apply(x, (g, v) => g.averagePool(v, { kernel: 2, stride: 2, pads: 1, countPadding: true }))
    expect(counted.data[1]).toBe(0.75)
    expect((await apply(x, (g, v) => g.globalAveragePool(v), free)).data).toEqual([7.5])
    expect((await apply(x, (g, v) => g.reduceMean(v, [-1], false), free)).data).toEqual([1.5, 5.5, 9.5, 13.5])
  })

  it('matrix products', async () => {
    const x: Feed = [floats(1, 2, 3, 4), [2, 2]]
    const weight = tensorFrom(floats(1, 0, 0, 1, 1, 1), [3, 2])
    const gemm = await apply(
      x,
      (g, v) => g.gemm(v, g.initializer('fc.weight', weight), g.initializer('fc.bias', tensorFrom(floats(0, 0, 100)))),
      ['R', 2],
    )
    expect(gemm).toEqual({ dims: [2, 3], data: [1, 2, 103, 3, 4, 107] })
    expect((await apply(x, (g, v) => g.matMul(v, v))).data).toEqual([7, 10, 15, 22])
  })

  it('moving elements', async () => {
    const x: Feed = [range(6), [1, 2, 3]]
    expect(await apply(x, (g, v) => g.flatten(v), ['N', 2, 3])).toEqual({ dims: [1, 6], data: [0, 1, 2, 3, 4, 5] })
    expect((await apply(x, (g, v) => g.reshape(v, [0, -1]), ['N', 2, 'L'])).dims).toEqual([1, 6])
    expect((await apply(x, (g, v) => g.transpose(v, [0, 2, 1]))).data).toEqual([0, 3, 1, 4, 2, 5])
    expect((await apply(x, (g, v) => g.concat([v, v], 2), [1, 2, 'L'])).dims).toEqual([1, 2, 6])
    expect((await apply(x, (g, v) => g.slice(v, [{ axis: 2, step: 2 }]), [1, 2, 'L'])).data).toEqual([0, 2, 3, 5])
    expect((await apply(x, (g, v) => g.slice(v, [{ axis: 1, start: -1 }]))).data).toEqual([3, 4, 5])
    const order = int64Tensor([2, 0])
    expect((await apply(x, (g, v) => g.gather(v, g.initializer('i', order), 2))).data).toEqual([2, 0, 5, 3])
    expect((await apply(x, (g, v) => g.shape(v), ['N', 'C', 'L'])).data).toEqual([1, 2, 3])
  })

  it('Resize repeats cells: cell i comes from floor(i * in / out)', async () => {
    for (const [from, to] of [
      [4, 8],
      [13, 25],
      [13, 26],
      [7, 13],
      [3, 7],
      [15, 30],
    ] as const) {
      const graph = new GraphBuilder('resize')
      const x = graph.input('x', 'float32', [1, 1, 'H', 'W'])
      const like = graph.input('like', 'float32', ['N', 5, 'H2', 'W2'])
      graph.output(graph.resizeNearestTo(x, like), 'y')
      const model = graph.build()
      expect(model.graph.outputs[0]?.dims).toEqual([1, 1, 'H2', 'W2'])
      const feeds = { x: [range(from), [1, 1, 1, from]], like: [new Float32Array(5 * to), [1, 5, 1, to]] } as const
      const { y } = await runModel(model, feeds)
      expect(y?.data).toEqual(Array.from({ length: to }, (_, i) => Math.floor((i * from) / to)))
      expect(inferShapes(model, { x: [1, 1, 1, from], like: [1, 5, 1, to] }).get('y')).toEqual([1, 1, 1, to])
    }
  })

  it('Resize to fixed sizes needs no shape nodes', async () => {
    const y = await apply([range(4), [1, 1, 2, 2]], (g, x) =>
      g.resizeNearestTo(x, g.initializer('like', tensorFrom(new Float32Array(9), [1, 1, 3, 3]))),
    )
    expect(y.data).toEqual([0, 0, 1, 0, 0, 1, 2, 2, 3])
  })

  it('RoiAlign and MaxRoiPool', async () => {
    const rois = tensorFrom(floats(0, 0, 4, 4, 0, 0, 2, 2), [2, 4])
    const align = (aligned: boolean) => (g: GraphBuilder, x: Value) =>
      g.roiAlign(x, g.initializer('rois', rois), g.initializer('batch', int64Tensor([0, 0])), {
        outputSize: [1, 1],
        spatialScale: 1,
        samplingRatio: 1,
        aligned,
      })
    const x: Feed = [range(16), [1, 1, 4, 4]]
    // One sample in the middle of each box: (2, 2) and (1, 1), half a pixel less when aligned.
    expect(await apply(x, align(false), free)).toEqual({ dims: [2, 1, 1, 1], data: [10, 5] })
    expect((await apply(x, align(true), free)).data).toEqual([7.5, 2.5])
    const boxes = tensorFrom(floats(0, 0, 0, 3, 3), [1, 5])
    const pooled = await apply(
      x,
      (g, v) => g.maxRoiPool(v, g.initializer('rois', boxes), { outputSize: [2, 2], spatialScale: 1 }),
      free,
    )
    expect(pooled).toEqual({ dims: [1, 1, 2, 2], data: [5, 7, 13, 15] })
  })

  it('QuantizeLinear and DequantizeLinear', async () => {
    const x: Feed = [floats(-1, 0.26, 100), [1, 3]]
    const y = await apply(x, (g, v) => {
      const scale = g.initializer('scale', tensorFrom(floats(0.5), []))
      const zero = g.initializer('zero', tensorFrom(new Uint8Array([10]), []))
      return g.dequantizeLinear(g.quantizeLinear(v, scale, zero), scale, zero)
    })
    expect(y.data).toEqual([-1, 0.5, 100])
    const perChannel = await apply([noise(2), [1, 2]], (g, v) => {
      const stored = g.initializer('w.int8', tensorFrom(new Int8Array([1, -2, 3, 127]), [2, 2]))
      const weight = g.dequantizeLinear(stored, g.initializer('w.scale', tensorFrom(floats(1, 10))), undefined, 0)
      return g.add(g.mul(v, g.initializer('zero', tensorFrom(floats(0)))), weight)
    })
    expect(perChannel.data).toEqual([1, -2, 30, 1270])
  })
})
