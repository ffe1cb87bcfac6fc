import { checkCount } from '../checks.ts'
import type { Graph } from '../onnx/model.ts'
import { countOperations, inferShapes } from '../onnx/shapes.ts'
import { elementCount } from '../onnx/tensors.ts'
import { zeroWeights } from '../weights/random.ts'
import { backboneFeatures, buildGraph } from './backbone.ts'
import { fixedSize } from './classifier-layers.ts'
import type { FeatureInfo } from './feature.ts'
import { type OutlineUnit, outlineOf } from './outline.ts'
import { fieldSize, receptiveFields } from './receptive-field.ts'
import type { Architecture } from './registry.ts'

/** A unit without the names that its nodes have in the graph. */
export type UnitSummary = Omit<OutlineUnit, 'output' | 'nodes'>

/** One stage of a network with what it costs. */
export interface StageSummary {
  /** `conv1`, `pool`, `block2`, `inception4`, `classifier`. */
  readonly name: string
  readonly units: readonly UnitSummary[]
  /** Dimensions of its output for one picture: [channels, height, width], or [outputs]. */
  readonly output: readonly number[]
  /** Pixels of the input from one cell to the next; undefined where every output sees the whole picture. */
  readonly stride: number | undefined
  /** Pixels that a cell sees along one axis; undefined where every output sees the whole picture. */
  readonly receptiveField: number | undefined
  readonly parameters: number
  readonly multiplyAdds: number
}

/** A feature with its size and what one of its cells sees. */
export interface FeatureSummary extends FeatureInfo {
  readonly height: number
  readonly width: number
  readonly receptiveField: number
}

/** A network in numbers, for one picture of one size. Nothing is run for it. */
export interface ArchitectureSummary {
  readonly input: { readonly width: number; readonly height: number }
  readonly stages: readonly StageSummary[]
  readonly features: readonly FeatureSummary[]
  /** Whether the stages end with the classifier: one of a fixed size (VGG, AlexNet) is left out at any other. */
  readonly hasClassifier: boolean
  readonly parameters: number
  /** One multiplication with its addition is one, as in the ResNet paper's table 1. */
  readonly multiplyAdds: number
}

/**
 * Counts what a network is made of, stage by stage, from its graph.
 *
 * @param size of the picture in pixels; default: what the network was published with
 * @throws VertebraError `INVALID_ARGUMENT` for a size that is none, `GRAPH_INVALID` for one too small for the network
 * @example
 * summarizeArchitecture(architectureByName('resnet101')).parameters   // 44549160
 */
export function summarizeArchitecture(
  { description, classes, inputSize }: Architecture,
  { width, height }: { readonly width: number; readonly height: number } = { width: inputSize, height: inputSize },
): ArchitectureSummary {
  checkCount('width', width)
  checkCount('height', height)
  const fixed = fixedSize(description)?.pixels
  const hasClassifier = fixed === undefined || (fixed === width && fixed === height)
  const known = backboneFeatures(description)
  const levels = known.map(({ name }) => name)
  const model = buildGraph('network', description, zeroWeights(), {
    levels,
    classes: hasClassifier ? classes : undefined,
  })
  const dims = { image: [1, 3, height, width] }
  const shapes = inferShapes(model, dims)
  const fields = receptiveFields(model)
  const { parameters, multiplyAdds, perNode } = countOperations(model, dims)
  const operations = new Map(perNode.map((node) => [node.name, node.multiplyAdds]))
  const weights = parametersPerNode(model.graph)
  const stages = outlineOf(model).map(({ name, units }) => {
    const output = units.at(-1)?.output ?? ''
    const field = fields.get(output)
    return {
      name,
      units: units.map(({ output: _, nodes: __, ...unit }) => unit),
      output: (shapes.get(output) ?? []).slice(1),
      stride: field?.stride,
      receptiveField: field && fieldSize(field),
      parameters: sumOver(units, weights),
      multiplyAdds: sumOver(units, operations),
    }
  })
  const features = known.map((feature) => featureSummary(feature, shapes, fields))
  return { input: { width, height }, stages, features, hasClassifier, parameters, multiplyAdds }
}

function featureSummary(
  feature: FeatureInfo,
  shapes: ReturnType<typeof inferShapes>,
  fields: ReturnType<typeof receptiveFields>,
): FeatureSummary {
  const [, , height = 0, width = 0] = shapes.get(feature.name) ?? []
  const field = fields.get(feature.name)
  return { ...feature, height, width, receptiveField: field ? fieldSize(field) : 0 }
}

function sumOver(units: readonly OutlineUnit[], perNode: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const { nodes } of units) for (const name of nodes) sum += perNode.get(name) ?? 0
  return sum
}

/** Learned numbers by the node that reads them, as {@link countOperations} counts them. */
function parametersPerNode({ nodes, initializers }: Graph): Map<string, number> {
  return new Map(
    nodes.map(({ name, opType, inputs }) => {
      // Running statistics are not learned, and shapes and pads are no numbers of the network.
      const read = (opType === 'BatchNormalization' ? inputs.slice(1, 3) : inputs).map((input) =>
        initializers.get(input),
      )
      return [
        name,
        read.reduce((sum, tensor) => sum + (tensor?.dataType === 'float32' ? elementCount(tensor.dims) : 0), 0),
      ]
    }),
  )
}
