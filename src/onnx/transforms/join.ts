import { unexpected, VertebraError } from '../../errors.ts'
import { showDims } from '../dims.ts'
import type { Graph, Model, Node, ValueInfo } from '../model.ts'
import { pruneModel } from './prune.ts'
import { freshName, valueNames } from './readers.ts'

/** What a joined model gives. */
export interface JoinOptions {
  /** Outputs of either model that the result has, in this order; default: all of the second. */
  readonly outputs?: readonly string[] | undefined
}

/**
 * One model that runs `first` and feeds its outputs to the inputs of `second` that have the same names. Weights are
 * shared, not copied. Inputs of `second` that `first` does not give become inputs of the result (one input where both
 * models have it). Inner names of `second` that `first` uses too get the second graph's name in front; what no output
 * needs is left out.
 *
 * @throws VertebraError `GRAPH_INVALID` when no name connects the models, types or sizes differ, or operator sets differ
 * @example
 * const network = joinModels(backbone, rpn, { outputs: ['p3', 'p4', 'p5', 'objectness'] })
 */
export function joinModels(first: Model, second: Model, options: JoinOptions = {}): Model {
  if (first.opset !== second.opset) {
    throw unexpected(
      nameOf(second),
      `operator set ${first.opset}, as ${nameOf(first)} has`,
      second.opset,
      'GRAPH_INVALID',
    )
  }
  const newInputs = connect(first.graph, second.graph)
  const { head, tail } = separateNames(first.graph, second.graph)
  const available = new Map([...head.outputs, ...tail.outputs.map(withoutNames)].map((output) => [output.name, output]))
  const outputs = (options.outputs ?? tail.outputs.map((output) => output.name)).map((name) => {
    const output = available.get(name)
    if (output) return output
    throw unexpected('an output', `one of ${[...available.keys()].join(', ')}`, name, 'GRAPH_INVALID')
  })
  return pruneModel({
    irVersion: Math.max(first.irVersion, second.irVersion),
    opset: first.opset,
    producer: first.producer,
    metadata: { ...first.metadata, ...second.metadata },
    graph: {
      name: `${head.name}+${tail.name}`,
      nodes: [...head.nodes, ...tail.nodes],
      initializers: new Map([...head.initializers, ...tail.initializers]),
      inputs: [...head.inputs, ...newInputs],
      outputs,
    },
  })
}

function nameOf(model: Model): string {
  return `graph "${model.graph.name}"`
}

/** A free dimension called H may be another size in the other model, so the names of the second are dropped. */
function withoutNames(info: ValueInfo): ValueInfo {
  return { ...info, dims: info.dims.map((dim) => (typeof dim === 'number' ? dim : '')) }
}

/** Checks the connections; gives the inputs of the second graph that stay inputs. */
function connect(first: Graph, second: Graph): ValueInfo[] {
  const outputs = new Map(first.outputs.map((output) => [output.name, output]))
  const inputs = new Map(first.inputs.map((input) => [input.name, input]))
  const names = valueNames(first)
  const open: ValueInfo[] = []
  let connections = 0
  for (const input of second.inputs) {
    const source = outputs.get(input.name) ?? inputs.get(input.name)
    if (source) checkFits(source, input)
    else if (names.has(input.name)) throw clash(input.name, first)
    else open.push(withoutNames(input))
    if (outputs.has(input.name)) connections++
  }
  if (connections > 0) return open
  const wanted = second.inputs.map((input) => input.name).join(', ')
  throw unexpected(`graph "${first.name}"`, `outputs among ${wanted}`, [...outputs.keys()], 'GRAPH_INVALID')
}

function checkFits(source: ValueInfo, input: ValueInfo): void {
  const fits =
    source.dataType === input.dataType &&
    source.dims.length === input.dims.length &&
    source.dims.every((dim, i) => typeof dim === 'string' || typeof input.dims[i] === 'string' || dim === input.dims[i])
  if (fits) return
  const [what, received] = [input, source].map(({ dataType, dims }) => `${dataType} ${showDims(dims)}`)
  throw unexpected(`input "${input.name}" of the second graph`, String(what), received, 'GRAPH_INVALID')
}

function clash(name: string, graph: Graph): VertebraError {
  const message = `Expected a name that graph "${graph.name}" does not use for another value but received "${name}".`
  return new VertebraError('GRAPH_INVALID', message, { value: name })
}

/** Renames inner values so that each name means one value; inputs and outputs keep theirs. */
function separateNames(first: Graph, second: Graph): { head: Graph; tail: Graph } {
  const outer = (graph: Graph): Set<string> => new Set([...graph.inputs, ...graph.outputs].map((value) => value.name))
  const [firstOuter, secondOuter] = [outer(first), outer(second)]
  const inputsOfSecond = new Set(second.inputs.map((input) => input.name))
  for (const { name } of second.outputs) {
    if (firstOuter.has(name) && !inputsOfSecond.has(name)) throw clash(name, first)
  }
  const taken = new Set([...valueNames(first), ...valueNames(second)])
  const nodesTaken = new Set(first.nodes.map((node) => node.name))
  const inFirst = valueNames(first)
  const secondRenamed = new Map<string, string>()
  const firstRenamed = new Map<string, string>()
  for (const name of valueNames(second)) {
    if (name === '' || !inFirst.has(name) || inputsOfSecond.has(name)) continue
    if (secondOuter.has(name)) firstRenamed.set(name, freshName(`${first.name}.${name}`, taken))
    else secondRenamed.set(name, freshName(`${second.name}.${name}`, taken))
  }
  const tail = renameValues(second, secondRenamed)
  const renameNode = (node: Node): Node => {
    if (node.name === '' || !nodesTaken.has(node.name)) return node
    return { ...node, name: freshName(`${second.name}.${node.name}`, nodesTaken) }
  }
  return { head: renameValues(first, firstRenamed), tail: { ...tail, nodes: tail.nodes.map(renameNode) } }
}

function renameValues(graph: Graph, renamed: ReadonlyMap<string, string>): Graph {
  if (renamed.size === 0) return graph
  const rename = (name: string): string => renamed.get(name) ?? name
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [rename(name), tensor])),
  }
}
