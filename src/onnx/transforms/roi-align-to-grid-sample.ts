import { unexpected } from '../../errors.ts'
import { int, intOf, ints, string } from '../attributes.ts'
import type { Model, Node, Tensor, ValueInfo } from '../model.ts'
import { plainNode } from '../plain-node.ts'
import { int64Tensor } from '../tensors.ts'
import { pruneModel } from './prune.ts'

/**
 * RoiAlign replaced by GridSample and AveragePool, which run where it does not (WebGPU, WebNN). Each input `rois_<level>`
 * becomes `grid_<level>` float32 [1, R * S, S, 2], the sampled points (`roiGrid` in heads computes them), and `batch_<level>`
 * goes: a run is about one image.
 *
 * @throws VertebraError `GRAPH_INVALID` for MaxRoiPool and for an adaptive sampling ratio, which have no such form
 */
export function roiAlignToGridSample(model: Model): Model {
  const { graph } = model
  const initializers = new Map(graph.initializers)
  const grids = new Map<string, ValueInfo>()
  const nodes = graph.nodes.flatMap((node) => {
    if (node.opType === 'MaxRoiPool') throw notPossible(node, 'RoIAlign')
    if (node.opType !== 'RoiAlign') return [node]
    const [, rois = ''] = node.inputs
    const grid = rois.replace(/^rois_/, 'grid_')
    grids.set(rois, { name: grid, dataType: 'float32', dims: [1, `S_${rois}`, samplesPerSide(node), 2] })
    return gridNodes(node, grid, initializers)
  })
  const inputs = graph.inputs.map((input) => grids.get(input.name) ?? input)
  const pruned = pruneModel({ ...model, graph: { ...graph, nodes, initializers, inputs } })
  return pruned
}

function samplesPerSide(node: Node): number {
  const ratio = intOf(node, 'sampling_ratio', 0)
  if (ratio < 1) throw notPossible(node, 'a fixed sampling ratio')
  return ratio * intOf(node, 'output_width', 1)
}

function gridNodes(node: Node, grid: string, initializers: Map<string, Tensor>): Node[] {
  const [map = ''] = node.inputs
  const [output = ''] = node.outputs
  const size = intOf(node, 'output_width', 1)
  const ratio = intOf(node, 'sampling_ratio', 0)
  const shape = `${output}.shape`
  // [1, C, R * size, size] to [C, R, size, size]: zero keeps an axis only in its own place, so C moves there first.
  initializers.set(shape, int64Tensor([0, -1, size, size]))
  const axes = `${output}.axes`
  initializers.set(axes, int64Tensor([0]))
  const window = ints([ratio, ratio])
  return [
    plainNode('GridSample', [map, grid], `${output}.samples`, {
      mode: string('bilinear'),
      padding_mode: string('border'),
      align_corners: int(1),
    }),
    plainNode('AveragePool', [`${output}.samples`], `${output}.means`, { kernel_shape: window, strides: window }),
    plainNode('Squeeze', [`${output}.means`, axes], `${output}.rows`),
    plainNode('Reshape', [`${output}.rows`, shape], `${output}.bins`),
    plainNode('Transpose', [`${output}.bins`], output, { perm: ints([1, 0, 2, 3]) }),
  ]
}

function notPossible(node: Node, wanted: string): Error {
  return unexpected(`node "${node.name}"`, `${wanted} on a device without RoiAlign`, node.opType, 'GRAPH_INVALID')
}
