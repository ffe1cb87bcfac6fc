import type { GraphBuilder, Value } from '../onnx/graph.ts'
import { tensorFrom } from '../onnx/tensors.ts'

/**
 * The pooling of faster-rcnn.pytorch (jwyang, lib/model/roi_align): with boxes in cells, x = x1 / stride and
 * w = (x2 - x1) / stride + 1, one bilinear sample at x + i w / size for i = 0 … size on each axis, then the mean of each four
 * neighbours: [R, C, size, size]. A sample less than one cell beyond the last is extrapolated from the last two, one further
 * out is 0.
 *
 * Here RoIAlign takes the samples, on a box half a bin larger so that the centres of its size + 1 bins are they, from a map
 * that has the extrapolated row and column already; a mask takes out those further out.
 */
export function binCornerPool(
  graph: GraphBuilder,
  map: Value,
  rois: Value,
  batch: Value,
  { size, stride }: { readonly size: number; readonly stride: number },
): Value {
  const samples = size + 1
  const grown = extrapolated(graph, extrapolated(graph, map, 2), 3)
  const boxes = linear(graph, rois, `${map.name}.sampled`, [
    sampleRow('x', -0.5, size, stride, stride),
    sampleRow('y', -0.5, size, stride, stride),
    sampleRow('x', size + 0.5, size, stride, stride),
    sampleRow('y', size + 0.5, size, stride, stride),
  ])
  const sampled = graph.roiAlign(grown, boxes, batch, {
    outputSize: [samples, samples],
    spatialScale: 1 / stride,
    samplingRatio: 1,
    aligned: false,
  })
  const inside = (axis: 'x' | 'y', side: number): Value => {
    const rows = Array.from({ length: samples }, (_, i) => sampleRow(axis, i, size, stride, 1))
    const cells = linear(graph, rois, `${map.name}.${axis}`, rows)
    const left = graph.sub(graph.cast(graph.shape(map, side, side + 1), 'float32'), cells)
    return graph.cast(graph.cast(graph.relu(left), 'bool'), 'float32')
  }
  const rowMask = unsqueeze(graph, inside('y', 2), [1, 3])
  const columnMask = unsqueeze(graph, inside('x', 3), [1, 2])
  return graph.averagePool(graph.mul(graph.mul(sampled, rowMask), columnMask), { kernel: 2 })
}

/** `x` with one more cell at the end of an axis, on the line through the last two. */
function extrapolated(graph: GraphBuilder, x: Value, axis: number): Value {
  const last = graph.slice(x, [{ axis, start: -1 }])
  const before = graph.slice(x, [{ axis, start: -2, end: -1 }])
  return graph.concat([x, graph.sub(graph.add(last, last), before)], axis)
}

/**
 * Where sample i of an axis lies, as the factors of x1, y1, x2, y2 and a constant, in units of `unit` / stride cells:
 * x1 / stride + i / size ((x2 - x1) / stride + 1).
 */
function sampleRow(axis: 'x' | 'y', i: number, size: number, stride: number, unit: number): readonly number[] {
  const part = i / size
  const [start, end] = [((1 - part) * unit) / stride, (part * unit) / stride]
  return axis === 'x' ? [start, 0, end, 0, part * unit] : [0, start, 0, end, part * unit]
}

/** Rows of four factors and a constant, as a fully connected layer on [R, 4]. */
function linear(graph: GraphBuilder, rois: Value, name: string, rows: readonly (readonly number[])[]): Value {
  const factors = Float32Array.from(rows.flatMap((row) => row.slice(0, 4)))
  const constants = Float32Array.from(rows, (row) => row[4] as number)
  const weight = graph.initializer(`${name}.factors`, tensorFrom(factors, [rows.length, 4]))
  return graph.gemm(rois, weight, graph.initializer(`${name}.constants`, tensorFrom(constants)))
}

function unsqueeze(graph: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return graph.op('Unsqueeze', [x, graph.constant(axes, 'axes')])
}
