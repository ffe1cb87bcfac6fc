import { ints } from '../attributes.ts'
import type { Model, Node } from '../model.ts'
import { plainNode } from '../plain-node.ts'
import { freshName, valueNames } from './readers.ts'

/**
 * The same graph with some of its outputs [N, C, H, W] as [N, H, W, C], under their old names: for code that reads all
 * channels of a cell at once.
 *
 * @example
 * const network = channelsLastOutputs(joinModels(backbone, rpn), ['p3', 'p4', 'p5'])
 */
export function channelsLastOutputs(model: Model, names: readonly string[]): Model {
  const { graph } = model
  const taken = valueNames(graph)
  const renamed = new Map(names.map((name) => [name, freshName(`${name}.channels_first`, taken)]))
  const rename = (name: string): string => renamed.get(name) ?? name
  const transposes = [...renamed].map(
    ([name, source]): Node => plainNode('Transpose', [source], name, { perm: ints([0, 2, 3, 1]) }),
  )
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }))
  const outputs = graph.outputs.map((output) => {
    if (!renamed.has(output.name)) return output
    const [images = '', channels = '', height = '', width = ''] = output.dims
    return { ...output, dims: [images, height, width, channels] }
  })
  return { ...model, graph: { ...graph, nodes: [...nodes, ...transposes], outputs } }
}
