import { intsOf } from '../onnx/attributes.ts'
import type { Model, Node } from '../onnx/model.ts'

/**
 * What a cell of a map sees along one axis: cell i depends on the pixels from `first` + i * `stride` to `last` + i * `stride`,
 * both included, of which some lie in the padding. Kernels are square in every network of this folder.
 */
export interface ReceptiveField {
  readonly first: number
  readonly last: number
  /** Pixels from one cell to the next. */
  readonly stride: number
}

/** Pixels that a cell sees along one axis: 483 for the c5 of the paper's ResNet-50. */
export function fieldSize({ first, last }: ReceptiveField): number {
  return last - first + 1
}

const POINTWISE = new Set(['Relu', 'BatchNormalization', 'Add', 'Concat', 'Pad', 'Identity'])
const WINDOWS = new Set(['Conv', 'MaxPool', 'AveragePool'])

/**
 * The receptive field of every value of a network that is made of convolutions, pools and sums, by the name of the value (Araujo
 * et al. 2019, "Computing receptive fields of convolutional neural networks"). Where branches join, what either of them sees.
 * Values that see the whole picture (after global pooling or a fully connected layer) are left out.
 *
 * @example
 * const c5 = receptiveFields(buildBackbone(resnet(50), zeroWeights())).get('c5')   // 427 pixels, stride 32
 */
export function receptiveFields({ graph }: Model): Map<string, ReceptiveField> {
  const fields = new Map<string, ReceptiveField>()
  for (const { name } of graph.inputs) fields.set(name, { first: 0, last: 0, stride: 1 })
  const constants = new Set(graph.initializers.keys())
  for (const node of graph.nodes) {
    const [output] = node.outputs
    const inputs = node.inputs.filter((name) => !constants.has(name)).map((name) => fields.get(name))
    const field = output === undefined ? undefined : fieldAfter(node, inputs)
    if (output !== undefined && field) fields.set(output, field)
  }
  return fields
}

function fieldAfter(node: Node, inputs: readonly (ReceptiveField | undefined)[]): ReceptiveField | undefined {
  const known = inputs.filter((input) => input !== undefined)
  const [input] = known
  if (!input || known.length < inputs.length) return undefined
  if (POINTWISE.has(node.opType)) {
    const first = Math.min(...known.map((field) => field.first))
    return { first, last: Math.max(...known.map((field) => field.last)), stride: input.stride }
  }
  return WINDOWS.has(node.opType) ? windowed(node, input) : undefined
}

function windowed(node: Node, { first, last, stride }: ReceptiveField): ReceptiveField {
  const axis = (attribute: string, fallback: number): number => intsOf(node, attribute)?.[0] ?? fallback
  const padding = axis('pads', 0)
  const extent = (axis('kernel_shape', 1) - 1) * axis('dilations', 1)
  return {
    first: first - padding * stride,
    last: last + (extent - padding) * stride,
    stride: stride * axis('strides', 1),
  }
}
