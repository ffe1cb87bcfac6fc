import { describe, unexpected } from '../../errors.ts'
import { floatOf } from '../attributes.ts'
import type { Model, Node, Tensor } from '../model.ts'
import { float32Of, tensorFrom } from '../tensors.ts'
import { pruneModel } from './prune.ts'
import { Readers } from './readers.ts'

/**
 * Batch normalisation that follows a convolution becomes part of the convolution's weight and bias:
 * `weight * f` and `(bias - mean) * f + shift` with `f = scale / sqrt(variance + epsilon)`, computed in double
 * precision. Left as it is where something else reads the convolution, or where weights are not plain float32
 * constants (fold before quantising).
 *
 * @throws VertebraError `WEIGHTS_INVALID` for a variance that has no root: it would give weights that are no numbers
 * @example
 * const folded = foldBatchNorm(decodeModel(bytes))
 */
export function foldBatchNorm(model: Model): Model {
  const { graph } = model
  const readers = new Readers(graph)
  const producers = new Map(graph.nodes.map((node) => [node.outputs[0] ?? '', node]))
  const initializers = new Map(graph.initializers)
  const folded = new Map<Node, Node>()
  const gone = new Set<Node>()
  for (const norm of graph.nodes) {
    if (norm.opType !== 'BatchNormalization') continue
    const epsilon = floatOf(norm, 'epsilon', 1e-5)
    checkVariance(norm, graph.initializers, epsilon)
    const conv = producers.get(norm.inputs[0] ?? '')
    if (conv?.opType !== 'Conv' || readers.count(conv.outputs[0] ?? '') !== 1) continue
    const parts = partsOf(conv, norm, graph.initializers)
    if (!parts) continue
    // The name of an input that is left out is empty.
    const [x = '', weightName = '', biasName = ''] = conv.inputs
    const { weight, bias } = fold(parts, epsilon)
    // A weight that other nodes read too must stay as it is for them.
    const newWeight = readers.count(weightName) === 1 ? weightName : readers.freshName(weightName)
    const ownsBias = biasName !== '' && readers.count(biasName) === 1
    const newBias = ownsBias ? biasName : readers.freshName(biasName || `${weightName.replace(/\.weight$/, '')}.bias`)
    initializers.set(newWeight, weight).set(newBias, bias)
    folded.set(conv, { ...conv, inputs: [x, newWeight, newBias], outputs: [norm.outputs[0] ?? ''] })
    gone.add(norm)
  }
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => folded.get(node) ?? node)
  return pruneModel({ ...model, graph: { ...graph, nodes, initializers } })
}

/** Also where the normalisation stays: it then gives no numbers either. */
function checkVariance(norm: Node, initializers: ReadonlyMap<string, Tensor>, epsilon: number): void {
  const name = norm.inputs[4] ?? ''
  const tensor = initializers.get(name)
  if (tensor?.dataType !== 'float32') return
  const variance = float32Of(tensor, name)
  const bad = variance.findIndex((value) => !(value + epsilon > 0))
  if (bad < 0) return
  const place = `element ${bad} of tensor ${describe(name)}`
  const what = `a variance above 0 once epsilon (${Number(epsilon.toPrecision(6))}) is added`
  throw unexpected(place, what, variance[bad], 'WEIGHTS_INVALID')
}

interface Parts {
  readonly weight: Tensor
  readonly bias: Float32Array
  readonly scale: Float32Array
  readonly shift: Float32Array
  readonly mean: Float32Array
  readonly variance: Float32Array
}

function partsOf(conv: Node, norm: Node, initializers: ReadonlyMap<string, Tensor>): Parts | undefined {
  const floats = (name: string | undefined): Float32Array | undefined => {
    const tensor = initializers.get(name ?? '')
    return tensor?.dataType === 'float32' ? float32Of(tensor, name) : undefined
  }
  const weight = initializers.get(conv.inputs[1] ?? '')
  const bias = conv.inputs[2] ? floats(conv.inputs[2]) : new Float32Array(weight?.dims[0] ?? 0)
  const [scale, shift, mean, variance] = norm.inputs.slice(1).map(floats)
  if (weight?.dataType !== 'float32' || !bias || !scale || !shift || !mean || !variance) return undefined
  return { weight, bias, scale, shift, mean, variance }
}

/** The weight is made when its bytes are asked for, and not kept: a network's weights then never exist twice. */
function fold(parts: Parts, epsilon: number): { weight: Tensor; bias: Tensor } {
  const { weight, bias, scale, shift, mean, variance } = parts
  const factors = Float64Array.from(scale, (gamma, c) => gamma / Math.sqrt((variance[c] as number) + epsilon))
  const biases = Float32Array.from(
    factors,
    (factor, c) => ((bias[c] as number) - (mean[c] as number)) * factor + (shift[c] as number),
  )
  const folded: Tensor = {
    dataType: 'float32',
    dims: weight.dims,
    get bytes() {
      return new Uint8Array(scaled(float32Of(weight), factors).buffer)
    },
  }
  return { weight: folded, bias: tensorFrom(biases) }
}

/** Values times the factor of their output channel, the slowest axis. */
function scaled(source: Float32Array, factors: Float64Array): Float32Array {
  const size = source.length / factors.length
  const result = new Float32Array(source.length)
  for (let c = 0; c < factors.length; c++) {
    const factor = factors[c] as number
    for (let i = c * size; i < (c + 1) * size; i++) result[i] = (source[i] as number) * factor
  }
  return result
}
