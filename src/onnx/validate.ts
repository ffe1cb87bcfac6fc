import { unexpected, VertebraError } from '../errors.ts'
import type { Graph } from './model.ts'

/**
 * Checks that a graph holds together: operators are named, each value is made once and before it is used, and every
 * output exists. Runs in one pass over the graph.
 *
 * @throws VertebraError `GRAPH_INVALID`
 */
export function checkGraph(graph: Graph): void {
  const known = new Set<string>(graph.initializers.keys())
  if (known.has('')) throw unexpected('the initializers', 'names', '', 'GRAPH_INVALID')
  for (const { name } of graph.inputs) define(known, name, 'an input of the graph')
  for (const node of graph.nodes) {
    const what = `${node.opType || 'a'} node "${node.name}"`
    if (node.opType === '') throw unexpected(what, 'an operator', '', 'GRAPH_INVALID')
    for (const input of node.inputs) {
      if (input !== '' && !known.has(input)) {
        throw unexpected(`an input of ${what}`, 'a value made before it', input, 'GRAPH_INVALID')
      }
    }
    for (const output of node.outputs) if (output !== '') define(known, output, `an output of ${what}`)
  }
  if (graph.outputs.length === 0) throw unexpected('the graph', 'an output', 'none', 'GRAPH_INVALID')
  const outputs = new Set<string>()
  for (const { name } of graph.outputs) {
    if (!known.has(name)) throw unexpected('an output of the graph', 'a value made in it', name, 'GRAPH_INVALID')
    define(outputs, name, 'an output of the graph')
  }
}

function define(known: Set<string>, name: string, what: string): void {
  if (name === '' || known.has(name)) {
    const reason = name === '' ? 'it has no name' : `"${name}" exists already`
    throw new VertebraError('GRAPH_INVALID', `Expected a new name for ${what} but ${reason}.`, { value: name })
  }
  known.add(name)
}
