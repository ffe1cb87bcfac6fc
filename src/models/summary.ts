import { planInput } from '../images/target-size.ts'
import { countOperations, inferShapes } from '../onnx/shapes.ts'
import { readSignature } from '../onnx/signature.ts'
import { graphInputs } from './graph-inputs.ts'
import type { LoadedModel } from './load.ts'
import type { AnyGraphName, GraphFile } from './manifest.ts'
import { type BackboneManifest, isFor, requireTask } from './task.ts'

/** One graph's cost. */
export interface GraphSummary {
  readonly graph: AnyGraphName
  readonly bytes: number
  readonly precision: GraphFile['precision']
  readonly parameters: number
  /** NaN for the graph of a whole detector: its operators are not the library's own. */
  readonly multiplyAdds: number
}

/** One feature level of a photo of the size asked about. */
export interface LevelSummary {
  readonly name: string
  readonly channels: number
  readonly stride: number
  readonly width: number
  readonly height: number
}

/** A model in numbers, for a photo of one size. Nothing is run for it. */
export interface ModelSummary {
  readonly photo: { readonly width: number; readonly height: number }
  /** The network's input, with its padding. */
  readonly input: { readonly width: number; readonly height: number }
  readonly graphs: readonly GraphSummary[]
  readonly levels: readonly LevelSummary[]
}

/**
 * Counts parameters and multiply-adds (one multiplication with its addition is one, as in the ResNet paper's table 1),
 * with the RoI head on as many proposals as the manifest keeps, once more for each refinement: the most there can be.
 * @throws VertebraError what reading the graphs throws; `INVALID_ARGUMENT` for a size that is no size.
 */
export async function summarizeModel(model: LoadedModel, width: number, height: number): Promise<ModelSummary> {
  const { manifest } = model
  const { paddedWidth, paddedHeight } = planInput(manifest.input, width, height)
  if (isFor(manifest, 'detect-whole')) {
    const { bytes, precision } = manifest.graphs.detector
    const { initializers } = readSignature(await model.wholeGraph())
    const sizes = [...initializers.values()].map(({ dims }) => dims.reduce((product, dim) => product * dim, 1))
    const parameters = sizes.reduce((sum, size) => sum + size, 0)
    const graph = { graph: 'detector', bytes, precision, parameters, multiplyAdds: Number.NaN } as const
    return {
      photo: { width, height },
      input: { width: paddedWidth, height: paddedHeight },
      graphs: [graph],
      levels: [],
    }
  }
  const sizes = new Map<string, readonly number[]>([['image', [1, 3, paddedHeight, paddedWidth]]])
  const graphs: GraphSummary[] = []
  for (const [name, { bytes, precision }] of graphFiles(manifest)) {
    const graph = await model.graph(name)
    const dims = graphInputs(graph, manifest, sizes)
    const shapes = inferShapes(graph, dims)
    for (const output of graph.graph.outputs) sizes.set(output.name, shapes.get(output.name) ?? [])
    const { parameters, multiplyAdds } = countOperations(graph, dims)
    const passes = name === 'roiHead' ? 1 + (requireTask(manifest, 'detect').head.refinements ?? 0) : 1
    graphs.push({ graph: name, bytes, precision, parameters, multiplyAdds: multiplyAdds * passes })
  }
  const known = new Map(
    [...manifest.features, ...(isFor(manifest, 'detect') ? manifest.pyramid : [])].map((level) => [level.name, level]),
  )
  const levels = [...known.values()].map((level) => {
    const [, , rows = 0, columns = 0] = sizes.get(level.name) ?? []
    return { ...level, width: columns, height: rows }
  })
  return { photo: { width, height }, input: { width: paddedWidth, height: paddedHeight }, graphs, levels }
}

/** In the order in which they run. */
function graphFiles(manifest: BackboneManifest): [AnyGraphName, GraphFile][] {
  const { backbone } = manifest.graphs
  if (isFor(manifest, 'features')) return [['backbone', backbone]]
  const rest = isFor(manifest, 'classify')
    ? ([['classifier', manifest.graphs.classifier]] as const)
    : (['rpn', 'roiHead'] as const).map((name) => [name, requireTask(manifest, 'detect').graphs[name]] as const)
  return [['backbone', backbone], ...rest.map(([name, file]): [AnyGraphName, GraphFile] => [name, file])]
}
