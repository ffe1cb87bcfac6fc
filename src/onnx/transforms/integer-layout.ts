import type { Graph, Node } from '../model.ts'
import { outputChannelAxis } from './int8-weights.ts'
import { Readers } from './readers.ts'

/** Which nodes of a graph compute in integers, and which values that makes bytes. */
export interface IntegerLayout {
  readonly nodes: ReadonlySet<Node>
  /** ReLUs that vanish, by the node before them: a byte whose zero point is 0 cannot be negative. */
  readonly relus: ReadonlyMap<Node, Node>
  /** The values that need a scale, in the order of the graph. */
  readonly values: readonly string[]
  /** Values that keep the bytes of another one, and so its scale. */
  readonly sameAs: ReadonlyMap<string, string>
}

/** Operators that only pick or repeat numbers. */
const PICKING: ReadonlySet<string> = new Set(['MaxPool', 'Resize'])

/**
 * The integer form of a graph: convolutions and matrix products with constant weights, and what lies between them.
 * An addition, a max-pool or a resize is taken where a value it reads is bytes already, for it would not pay otherwise.
 *
 * @param isWanted whether a node should compute in integers, if it can
 */
export function integerLayout(graph: Graph, isWanted: (node: Node) => boolean): IntegerLayout {
  const readers = new Readers(graph)
  const relusByInput = new Map(
    graph.nodes.filter(({ opType }) => opType === 'Relu').map((node) => [node.inputs[0], node]),
  )
  const nodes = new Set<Node>()
  const relus = new Map<Node, Node>()
  const values = new Set<string>()
  const sameAs = new Map<string, string>()
  const bytes = new Set<string>()
  for (const node of graph.nodes) {
    const [first = ''] = node.inputs
    const [output = ''] = node.outputs
    const inputs = isPicking(node) || isLayer(node, graph) ? [first] : node.inputs
    const fits = isLayer(node, graph) || ((isPicking(node) || isSum(node, graph)) && inputs.some((x) => bytes.has(x)))
    if (!fits || !isWanted(node)) continue
    nodes.add(node)
    for (const input of inputs) values.add(input)
    const relu = readers.count(output) === 1 && !isPicking(node) ? relusByInput.get(output) : undefined
    if (relu) relus.set(node, relu)
    const result = relu?.outputs[0] ?? output
    values.add(result)
    bytes.add(result)
    if (isPicking(node)) sameAs.set(result, sameAs.get(first) ?? first)
  }
  return { nodes, relus, values: [...values], sameAs }
}

/** A convolution or matrix product with a float32 weight that is a constant, and so its bias. */
export function isLayer(node: Node, { initializers }: Graph): boolean {
  const [, weightName = '', biasName = ''] = node.inputs
  const weight = initializers.get(weightName)
  const isConstant =
    weight?.dataType === 'float32' && (biasName === '' || initializers.get(biasName)?.dataType === 'float32')
  return isConstant && outputChannelAxis(node, weight) !== undefined
}

function isPicking(node: Node): boolean {
  return node.domain === '' && PICKING.has(node.opType)
}

function isSum(node: Node, { initializers }: Graph): boolean {
  return node.domain === '' && node.opType === 'Add' && node.inputs.every((name) => !initializers.has(name))
}
