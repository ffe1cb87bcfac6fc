import type { Graph, Model, Node } from '../model.ts'
import { pruneModel } from './prune.ts'

/**
 * The float32 form of a graph that computes in integers (see `insertQuantization`), for devices where bytes are slow: nothing
 * is rounded on its way, and a value whose bytes cannot be negative goes through a ReLU, which `insertQuantization` left to the
 * bytes. Weights stay behind their DequantizeLinear: `dequantizeWeights` makes them float32.
 *
 * @example
 * const floats = dequantizeWeights(restoreFloats(int8))
 */
export function restoreFloats(model: Model): Model {
  const { graph } = model
  const sources = new Map<string, Node>()
  for (const node of graph.nodes) if (node.opType === 'QuantizeLinear') sources.set(node.outputs[0] ?? '', node)
  const nodes = graph.nodes.map((node): Node => {
    const quantize = node.opType === 'DequantizeLinear' ? sources.get(node.inputs[0] ?? '') : undefined
    if (!quantize) return node
    const opType = isFromZero(quantize, graph) ? 'Relu' : 'Identity'
    return { ...node, opType, inputs: quantize.inputs.slice(0, 1), attributes: {} }
  })
  return pruneModel({ ...model, graph: { ...graph, nodes: withoutBytes(nodes, sources) } })
}

/** Zero point 0: the bytes 0 to 255 stand for nothing below zero. */
function isFromZero({ inputs }: Node, { initializers }: Graph): boolean {
  const point = initializers.get(inputs[2] ?? '')
  return point === undefined || (point.dataType === 'uint8' && point.bytes[0] === 0)
}

/** Bytes are picked and asked for their shape in a few places; the numbers they stand for do as well. */
function withoutBytes(nodes: readonly Node[], sources: ReadonlyMap<string, Node>): Node[] {
  const floatOf = (name: string): string => sources.get(name)?.inputs[0] ?? name
  return nodes.map((node) => (node.opType === 'Shape' ? { ...node, inputs: node.inputs.map(floatOf) } : node))
}
