import { GraphBuilder, int64Tensor, type Model, tensorFrom, type Value } from '../../src/onnx/index.ts'
import { noise } from './run-model.ts'

/** Two convolutions, the first with batch norm, a shared weight, and a fully connected layer. Image [1, 3, H, W]. */
export function tinyNetwork(): Model {
  const graph = new GraphBuilder('tiny')
  const weight = weightsOf(graph)
  const image = graph.input('image', 'float32', [1, 3, 'H', 'W'])
  const c1 = graph.conv(image, weight('conv1.weight', [8, 3, 3, 3]), undefined, { stride: 2, pads: 1 })
  const norm = graph.batchNormalization(c1, {
    scale: weight('bn1.weight', [8]),
    bias: weight('bn1.bias', [8]),
    mean: weight('bn1.running_mean', [8]),
    variance: graph.initializer('bn1.running_var', tensorFrom(new Float32Array(8).fill(0.5))),
  })
  const shared = weight('conv2.weight', [8, 8, 1, 1])
  const x = graph.conv(graph.relu(norm), shared, weight('conv2.bias', [8]))
  const c2 = graph.add(graph.conv(x, shared), x)
  graph.output(c2, 'c2')
  const pooled = graph.flatten(graph.globalAveragePool(c2))
  graph.output(graph.gemm(pooled, weight('fc.weight', [5, 8]), weight('fc.bias', [5])), 'scores')
  return graph.build({ licence: 'none' })
}

/** One node of each operator the builder has. */
export function everyOperator(): Model {
  const graph = new GraphBuilder('all')
  const weight = weightsOf(graph)
  const image = graph.input('image', 'float32', ['N', 3, 'H', 'W'])
  const rois = graph.input('rois', 'float32', ['R', 4])
  const batch = graph.input('batch', 'int64', ['R'])
  const boxes = graph.input('boxes', 'float32', ['R', 5])
  const conv = graph.conv(image, weight('conv.weight', [4, 3, 7, 7]), weight('conv.bias', [4]), { stride: 2, pads: 3 })
  const norm = graph.batchNormalization(conv, {
    scale: weight('bn.weight', [4]),
    bias: weight('bn.bias', [4]),
    mean: weight('bn.running_mean', [4]),
    variance: weight('bn.running_var', [4]),
  })
  const map = graph.maxPool(graph.relu(norm), { kernel: 3, stride: 2, pads: [0, 0, 1, 1] })
  const small = graph.averagePool(map, { kernel: 2, stride: 2, countPadding: true })
  const joined = graph.concat([graph.resizeNearestTo(small, map), graph.sigmoid(map)], 1)
  const outputs: Value[] = [
    graph.globalAveragePool(joined),
    graph.slice(joined, [
      { axis: 2, step: 2 },
      { axis: 3, step: 2 },
    ]),
    graph.transpose(graph.reshape(joined, [0, 2, -1]), [0, 2, 1]),
    graph.reduceMean(joined, [2, 3], false),
    graph.maxRoiPool(map, boxes, { outputSize: [2, 3], spatialScale: 0.25 }),
    graph.gather(map, graph.initializer('order', int64Tensor([2, 0])), 1),
    graph.shape(image),
    graph.cast(batch, 'float32'),
    graph.sub(graph.mul(map, weight('s', [4, 1, 1])), map),
  ]
  const pooled = graph.roiAlign(map, rois, batch, {
    outputSize: [2, 2],
    spatialScale: 0.25,
    samplingRatio: 2,
    aligned: false,
  })
  const fc = graph.gemm(graph.flatten(pooled), weight('fc.weight', [6, 16]), weight('fc.bias', [6]))
  outputs.push(graph.softmax(fc), graph.matMul(fc, weight('m', [6, 2])))
  const scale = graph.initializer('scale', tensorFrom(new Float32Array([0.5]), []))
  const zero = graph.initializer('zero', tensorFrom(new Uint8Array([3]), []))
  outputs.push(graph.dequantizeLinear(graph.quantizeLinear(fc, scale, zero), scale, zero))
  outputs.push(graph.identity(image))
  for (const [i, value] of outputs.entries()) graph.output(value, `out${i}`)
  return graph.build()
}

function weightsOf(graph: GraphBuilder): (name: string, dims: readonly number[]) => Value {
  return (name, dims) => {
    const length = dims.reduce((product, dim) => product * dim, 1)
    return graph.initializer(name, tensorFrom(noise(length, length + name.length), dims))
  }
}
