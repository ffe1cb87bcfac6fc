import { intOf, intsOf } from '../onnx/attributes.ts'
import type { Graph, Model, Node } from '../onnx/model.ts'
import { unitAt } from './unit-names.ts'

/** A convolution, a pool or a fully connected layer. */
export interface OutlineLayer {
  readonly kind: 'conv' | 'max-pool' | 'fc'
  /** Side of the kernel; 1 for a fully connected layer. */
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  readonly groups: number
  /** Channels of its output; undefined for a pool. */
  readonly channels: number | undefined
}

/** What a shortcut does to the map it carries: nothing, zeros behind its channels, or a 1x1 convolution. */
export type OutlineShortcut = 'none' | 'identity' | 'padded' | 'projection'

/** The smallest part that repeats: a residual unit, an Inception module, a layer of VGG, a pool. */
export interface OutlineUnit {
  /** `unit3`, `b`, `2`, or empty where the stage is one layer. */
  readonly name: string
  /** Layers in their order; an Inception module has four such chains side by side, all else one. */
  readonly branches: readonly (readonly OutlineLayer[])[]
  readonly shortcut: OutlineShortcut
  /** Names of the features that are taken after it. */
  readonly levels: readonly string[]
  /** The value it gives, as the graph names it. */
  readonly output: string
  /** Names of all its nodes, in order. */
  readonly nodes: readonly string[]
}

export interface OutlineStage {
  /** `conv1`, `pool`, `block2`, `inception4`, `classifier`. */
  readonly name: string
  readonly units: readonly OutlineUnit[]
}

/**
 * The parts of a network of this folder, read from its graph: what is drawn and counted is what runs.
 *
 * @example
 * outlineOf(buildBackbone(resnet(18), zeroWeights())).map(({ name }) => name)   // conv1, pool, block1 … block4
 */
export function outlineOf({ graph }: Model): OutlineStage[] {
  const parts = partsOf(graph)
  const ends = new Map(parts.map((part) => [part.output, part]))
  const producers = producersOf(graph)
  const levels = new Map<Part, string[]>()
  for (const { name } of graph.outputs) {
    let value = name
    // The activation of a level belongs to the part whose output it activates.
    for (let part = ends.get(value); !part; part = ends.get(value)) {
      const source = producers.get(value)?.inputs[0]
      if (source === undefined) break
      value = source
    }
    const part = ends.get(value)
    if (part && part.stage !== 'classifier') levels.set(part, [...(levels.get(part) ?? []), name])
  }
  const stages: { name: string; units: OutlineUnit[] }[] = []
  for (const part of parts) {
    const unit = unitOf(part, graph, producers, levels.get(part) ?? [])
    const stage = stages.at(-1)
    if (stage?.name === part.stage && part.stage !== 'pool') stage.units.push(unit)
    else stages.push({ name: part.stage, units: [unit] })
  }
  return stages
}

interface Part {
  readonly stage: string
  readonly unit: string
  readonly nodes: Node[]
  output: string
}

/** Every node in its part. A node without a name of its own belongs to the part before it, but a pool between parts is one. */
function partsOf({ nodes }: Graph): Part[] {
  const parts: Part[] = []
  for (const [i, node] of nodes.entries()) {
    const named = unitAt(node.name)
    const part = parts.at(-1)
    if (named && (part?.stage !== named.stage || part.unit !== named.unit)) {
      parts.push({ ...named, nodes: [node], output: node.outputs[0] ?? '' })
    } else if (part && !named && isPool(node) && !isInside(part, nodes, i)) {
      parts.push({ stage: 'pool', unit: '', nodes: [node], output: node.outputs[0] ?? '' })
    } else if (part) {
      part.nodes.push(node)
      if (named) part.output = node.outputs[0] ?? ''
    }
  }
  return parts
}

function isPool(node: Node): boolean {
  return node.opType === 'MaxPool' && (intsOf(node, 'kernel_shape')?.[0] ?? 1) > 1
}

/** Whether the next node with a name, after node i, is of this part too. */
function isInside({ stage, unit }: Part, nodes: readonly Node[], i: number): boolean {
  for (let j = i + 1; j < nodes.length; j++) {
    const named = unitAt(nodes[j]?.name ?? '')
    if (named) return named.stage === stage && named.unit === unit
  }
  return false
}

function unitOf(
  part: Part,
  graph: Graph,
  producers: ReadonlyMap<string, Node>,
  levels: readonly string[],
): OutlineUnit {
  const inside = new Set(part.nodes)
  /** The nodes that lead to a value inside the part, first to last, along the first inputs. */
  const chain = (value: string | undefined): Node[] => {
    const nodes: Node[] = []
    for (let node = producers.get(value ?? ''); node && inside.has(node); node = producers.get(node.inputs[0] ?? '')) {
      nodes.unshift(node)
    }
    return nodes
  }
  const layersOf = (nodes: readonly Node[]): OutlineLayer[] =>
    nodes.flatMap((node) => {
      const layer = layerOf(node, graph)
      return layer ? [layer] : []
    })
  const joint = part.nodes.find(({ opType }) => opType === 'Concat' || opType === 'Add')
  const ends = joint?.opType === 'Concat' ? joint.inputs : [joint?.inputs[1] ?? part.output]
  return {
    name: part.unit,
    branches: ends.map((end) => layersOf(chain(end))),
    shortcut: joint?.opType === 'Add' ? shortcutOf(chain(joint.inputs[0])) : 'none',
    levels,
    output: part.output,
    nodes: part.nodes.map(({ name }) => name),
  }
}

function shortcutOf(nodes: readonly Node[]): OutlineShortcut {
  if (nodes.some(({ opType }) => opType === 'Conv')) return 'projection'
  return nodes.some(({ opType }) => opType === 'Pad') ? 'padded' : 'identity'
}

function layerOf(node: Node, { initializers }: Graph): OutlineLayer | undefined {
  const first = (attribute: string): number => intsOf(node, attribute)?.[0] ?? 1
  const channels = initializers.get(node.inputs[1] ?? '')?.dims[0]
  const window = { kernel: first('kernel_shape'), stride: first('strides'), dilation: first('dilations') }
  if (node.opType === 'Conv') return { kind: 'conv', ...window, groups: intOf(node, 'group', 1), channels }
  if (node.opType === 'MaxPool') return { kind: 'max-pool', ...window, groups: 1, channels: undefined }
  return node.opType === 'Gemm' ? { kind: 'fc', ...window, groups: 1, channels } : undefined
}

function producersOf({ nodes }: Graph): Map<string, Node> {
  return new Map(nodes.flatMap((node) => node.outputs.map((output): [string, Node] => [output, node])))
}
