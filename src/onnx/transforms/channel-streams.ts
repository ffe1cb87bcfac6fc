import { intOf } from '../attributes.ts'
import type { Graph, Node } from '../model.ts'

/**
 * Maps that are added up and thinned out but read channel by channel only: the residual streams of a pre-activation
 * network. Their channels can be given other units without changing what the network computes.
 */
export interface ChannelStream {
  /** The convolutions that write into the stream. */
  readonly writers: readonly Node[]
  /** Additions and max-pools inside, in the order of the graph. */
  readonly inner: readonly Node[]
  /** The 1x1 convolutions with a group per channel that read it. */
  readonly readers: readonly Node[]
}

/**
 * The streams of a graph whose lone batch normalisations are convolutions (`batchNormToConvolution`). What is an input
 * or output of the graph, or is read or written by anything else, belongs to none.
 */
export function channelStreams(graph: Graph): ChannelStream[] {
  const streamOf = groupValues(graph)
  const spoilt = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => streamOf(name)))
  const streams = new Map<string, { writers: Node[]; inner: Node[]; readers: Node[] }>()
  const at = (value: string) => {
    const key = streamOf(value)
    const known = streams.get(key)
    if (known) return known
    const stream = { writers: [], inner: [], readers: [] }
    streams.set(key, stream)
    return stream
  }
  const timesRead = new Map<string, number>()
  for (const name of graph.nodes.flatMap((node) => node.inputs)) timesRead.set(name, (timesRead.get(name) ?? 0) + 1)
  for (const node of graph.nodes) {
    const [x = '', ...parameters] = node.inputs
    const [output = ''] = node.outputs
    const isInner = isTransparent(node, graph)
    const ownsParameters = parameters.every((name) => graph.initializers.has(name) && timesRead.get(name) === 1)
    const isWriter = node.opType === 'Conv' && intOf(node, 'group', 1) === 1 && ownsParameters
    if (isInner) at(output).inner.push(node)
    else if (isWriter) at(output).writers.push(node)
    else for (const name of node.outputs) spoilt.add(streamOf(name))
    if (isInner) continue
    if (isPerChannel(node, graph) && ownsParameters) at(x).readers.push(node)
    else for (const name of node.inputs) spoilt.add(streamOf(name))
  }
  for (const key of spoilt) streams.delete(key)
  return [...streams.values()].filter(({ writers, readers }) => writers.length > 0 && readers.length > 0)
}

/** Groups the values that additions and max-pools connect; gives each value the name of its group. */
function groupValues(graph: Graph): (value: string) => string {
  const parents = new Map<string, string>()
  const rootOf = (value: string): string => {
    let root = value
    for (let next = parents.get(root); next !== undefined; next = parents.get(root)) root = next
    return root
  }
  for (const node of graph.nodes.filter((each) => isTransparent(each, graph))) {
    for (const value of node.inputs) {
      const [a, b] = [rootOf(value), rootOf(node.outputs[0] ?? '')]
      if (a !== b) parents.set(a, b)
    }
  }
  return rootOf
}

function isTransparent({ opType, inputs }: Node, { initializers }: Graph): boolean {
  return (opType === 'Add' && inputs.every((name) => !initializers.has(name))) || opType === 'MaxPool'
}

/** y = x * weight + bias for each channel: a 1x1 convolution with as many groups as channels. */
function isPerChannel(node: Node, { initializers }: Graph): boolean {
  const [channels, ...others] = initializers.get(node.inputs[1] ?? '')?.dims ?? []
  return (
    node.opType === 'Conv' &&
    node.inputs.length === 3 &&
    intOf(node, 'group', 1) === channels &&
    others.join() === '1,1,1'
  )
}
