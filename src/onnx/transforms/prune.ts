import { unexpected } from '../../errors.ts'
import type { Model, Node, ValueInfo } from '../model.ts'
import { inferValues } from '../shapes.ts'

/**
 * The part of a model that some outputs need: nodes, weights and inputs that none of them needs are left out. An
 * output may be any value of the graph, so this also cuts a graph open at an inner value.
 *
 * @param outputs names of values, in the order of the new outputs; default: the outputs the model has
 * @throws VertebraError `GRAPH_INVALID` when a value is not there
 * @example
 * const upToC4 = pruneModel(backbone, ['c4'])
 */
export function pruneModel(
  model: Model,
  outputs: readonly string[] = model.graph.outputs.map((output) => output.name),
): Model {
  const { graph } = model
  const needed = new Set(outputs)
  const nodes: Node[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue
    nodes.push(node)
    for (const input of node.inputs) if (input !== '') needed.add(input)
  }
  return {
    ...model,
    graph: {
      name: graph.name,
      nodes: nodes.reverse(),
      initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
      inputs: graph.inputs.filter((input) => needed.has(input.name)),
      outputs: describeOutputs(model, outputs),
    },
  }
}

function describeOutputs(model: Model, names: readonly string[]): ValueInfo[] {
  const declared = new Map(model.graph.outputs.map((output) => [output.name, output]))
  const inferred = names.every((name) => declared.has(name)) ? undefined : inferValues(model)
  return names.map((name) => {
    const value = declared.get(name) ?? inferred?.get(name)
    if (!value) throw unexpected('an output', `a value of graph "${model.graph.name}"`, name, 'GRAPH_INVALID')
    return { name, dataType: value.dataType, dims: value.dims }
  })
}
