import { unexpected } from '../../errors.ts'
import { intOf } from '../attributes.ts'
import { halfToNumber } from '../half.ts'
import { DATA_TYPES, type Graph, type Model, type Node, type Tensor } from '../model.ts'
import { elementCount, float32Of, int8Of, integersOf, tensorFrom } from '../tensors.ts'
import { pruneModel } from './prune.ts'

/**
 * Weights stored as int8, uint8 or int32 behind DequantizeLinear, or as float16 behind Cast, become plain float32 constants
 * under the name that the node gave them: `(stored - zeroPoint) * scale` in single precision, or the number that the float16 is.
 * What a CPU runs in float32; the inverse of `quantizeWeights` and `halveWeights`. Nodes that dequantise activations stay, and so
 * do the weights of operators that compute in integers (see `insertQuantization`).
 *
 * @throws VertebraError `GRAPH_INVALID` when scales or zero points do not fit their weights
 * @example
 * const plain = dequantizeWeights(decodeModel(await readFile('models/resnet101-voc/backbone.onnx')))
 */
export function dequantizeWeights(model: Model): Model {
  const { graph } = model
  const initializers = new Map(graph.initializers)
  const outputs = new Set(graph.outputs.map((output) => output.name))
  const integer = integerWeights(graph)
  const nodes = graph.nodes.filter((node) => {
    const [output = ''] = node.outputs
    if (outputs.has(output) || integer.has(output)) return true
    const weight = isDequantize(node) ? dequantized(node, graph.initializers) : fromHalf(node, graph.initializers)
    if (weight) initializers.set(output, weight)
    return weight === undefined
  })
  return pruneModel({ ...model, graph: { ...graph, nodes, initializers } })
}

/** Weights of operators that compute in integers: everything they read was stored in integers, their biases too. */
function integerWeights({ nodes }: Graph): Set<string> {
  const restored = new Set(nodes.filter(isDequantize).flatMap(({ outputs }) => outputs))
  const quantized = new Set(nodes.filter(({ opType }) => opType === 'QuantizeLinear').map(({ inputs }) => inputs[0]))
  const integer = nodes.filter(
    ({ inputs, outputs }) => inputs.every((name) => restored.has(name)) && quantized.has(outputs[0]),
  )
  return new Set(integer.flatMap(({ inputs }) => inputs.slice(1)))
}

function isDequantize({ opType }: Node): boolean {
  return opType === 'DequantizeLinear'
}

function dequantized(node: Node, initializers: ReadonlyMap<string, Tensor>): Tensor | undefined {
  const [storedName = '', scaleName = '', pointName = ''] = node.inputs
  const stored = initializers.get(storedName)
  const scale = initializers.get(scaleName)
  const point = initializers.get(pointName)
  const isConstant = stored && scale?.dataType === 'float32' && (pointName === '' || point)
  if (!isConstant) return undefined
  const values = integers(stored, storedName)
  if (!values) return undefined
  const { dims } = stored
  const scales = float32Of(scale, scaleName)
  const isPerChannel = scale.dims.length > 0
  const given = intOf(node, 'axis', 1)
  const axis = given < 0 ? given + dims.length : given
  const channels = isPerChannel ? dims[axis] : 1
  const points = point ? integers(point, pointName) : new Int8Array(scales.length)
  if (scales.length !== channels || points?.length !== channels) {
    const received = `${scales.length} scales and ${points?.length} zero points`
    throw unexpected(`weight "${storedName}"`, `${channels} scales on axis ${axis}`, received, 'GRAPH_INVALID')
  }
  const inner = isPerChannel ? elementCount(dims.slice(axis + 1)) : values.length
  const result = new Float32Array(values.length)
  for (let start = 0, c = 0; start < values.length; start += inner, c = (c + 1) % channels) {
    const factor = scales[c] as number
    const zero = points[c] as number
    const end = start + inner
    for (let i = start; i < end; i++) result[i] = ((values[i] as number) - zero) * factor
  }
  return tensorFrom(result, dims)
}

function integers(tensor: Tensor, name: string): Int8Array | Uint8Array | readonly number[] | undefined {
  if (tensor.dataType === 'int8') return int8Of(tensor, name)
  return tensor.dataType === 'uint8' ? tensor.bytes : tensor.dataType === 'int32' ? integersOf(tensor) : undefined
}

function fromHalf(node: Node, initializers: ReadonlyMap<string, Tensor>): Tensor | undefined {
  const stored = node.opType === 'Cast' ? initializers.get(node.inputs[0] ?? '') : undefined
  if (stored?.dataType !== 'float16' || intOf(node, 'to', 0) !== DATA_TYPES.float32) return undefined
  const { byteOffset, byteLength, buffer } = stored.bytes
  const bits = new DataView(buffer, byteOffset, byteLength)
  const values = Float32Array.from({ length: byteLength / 2 }, (_, i) => halfToNumber(bits.getUint16(2 * i, true)))
  return tensorFrom(values, stored.dims)
}
