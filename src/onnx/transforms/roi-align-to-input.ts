import { unexpected } from '../../errors.ts'
import type { Graph, Model, Node } from '../model.ts'
import { inferValues } from '../shapes.ts'
import { pruneModel } from './prune.ts'

/** The input that takes the place of RoiAlign. */
export const POOLED_INPUT = 'pooled'

/**
 * A RoI head without its RoiAlign nodes: what they pool from all levels together becomes the input `pooled`
 * [R, C, size, size], and the maps, boxes and batch indices go.
 *
 * @throws VertebraError `GRAPH_INVALID` when the graph has no RoiAlign, or more than one that are not joined along their boxes
 */
export function roiAlignToInput(model: Model): Model {
  const { graph } = model
  const aligned = graph.nodes.filter(({ opType }) => opType === 'RoiAlign').flatMap(({ outputs }) => outputs)
  const pooled = aligned.length === 1 ? aligned[0] : joinOf(graph, aligned)?.outputs[0]
  const shape = pooled === undefined ? undefined : inferValues(model).get(pooled)
  if (pooled === undefined || !shape) {
    throw unexpected(`graph "${graph.name}"`, 'RoiAlign nodes whose rows are joined', aligned, 'GRAPH_INVALID')
  }
  const rename = (name: string): string => (name === pooled ? POOLED_INPUT : name)
  const nodes = graph.nodes
    .filter(({ outputs }) => !outputs.includes(pooled))
    .map((node) => ({ ...node, inputs: node.inputs.map(rename) }))
  const input = { name: POOLED_INPUT, dataType: shape.dataType, dims: ['R', ...shape.dims.slice(1)] }
  return pruneModel({ ...model, graph: { ...graph, nodes, inputs: [...graph.inputs, input] } })
}

function joinOf({ nodes }: Graph, values: readonly string[]): Node | undefined {
  return nodes.find(({ opType, inputs }) => opType === 'Concat' && inputs.join() === values.join())
}
