import { int, ints } from '../attributes.ts'
import type { Model, Node, Tensor } from '../model.ts'
import { inferValues } from '../shapes.ts'
import { tensorFrom } from '../tensors.ts'
import { batchNormFactors } from './batch-norm-factors.ts'
import { pruneModel } from './prune.ts'
import { Readers } from './readers.ts'

/**
 * Batch normalisation that stands on its own (in front of a convolution, as in pre-activation networks: He et al. 2016,
 * arXiv:1603.05027) becomes a 1x1 convolution of one channel per group: the same function, but an operator that has an
 * integer form, with a scale per channel that makes its weights exact. The weight is called `<output>.weight`, the bias
 * `<output>.bias`. Left as it is where its parameters are no float32 constants, or where its input is no map [N, C, H, W].
 *
 * @throws VertebraError `GRAPH_INVALID` when a node does not fit its inputs
 * @example
 * const convolutional = batchNormToConvolution(foldBatchNorm(model))
 */
export function batchNormToConvolution(model: Model): Model {
  const { graph } = model
  if (!graph.nodes.some(({ opType }) => opType === 'BatchNormalization')) return model
  const shapes = inferValues(model)
  const readers = new Readers(graph)
  const initializers = new Map<string, Tensor>(graph.initializers)
  const nodes = graph.nodes.map((node): Node => {
    const [x = ''] = node.inputs
    const factors =
      node.opType === 'BatchNormalization' && shapes.get(x)?.dims.length === 4
        ? batchNormFactors(node, initializers)
        : undefined
    if (!factors) return node
    const [output = ''] = node.outputs
    const channels = factors.scale.length
    const [weight, bias] = [readers.freshName(`${output}.weight`), readers.freshName(`${output}.bias`)]
    initializers.set(weight, tensorFrom(factors.scale, [channels, 1, 1, 1])).set(bias, tensorFrom(factors.shift))
    return {
      ...node,
      opType: 'Conv',
      inputs: [x, weight, bias],
      outputs: [output],
      attributes: {
        kernel_shape: ints([1, 1]),
        strides: ints([1, 1]),
        pads: ints([0, 0, 0, 0]),
        dilations: ints([1, 1]),
        group: int(channels),
      },
    }
  })
  return pruneModel({ ...model, graph: { ...graph, nodes, initializers } })
}
