import type { FeatureInfo } from '../architectures/feature.ts'
import type { AnchorSpec } from '../boxes/anchors.ts'
import type { RoiSpec } from '../heads/levels.ts'
import type { PostprocessOptions } from '../heads/postprocess.ts'
import type { ProposalOptions } from '../heads/proposals.ts'
import type { RefinementSpec } from '../heads/refine.ts'
import type { SuppressionRule } from '../heads/suppress.ts'
import type { InputSpec } from '../images/input-spec.ts'
import type { OutputForm } from '../whole/output-form.ts'

/**
 * `model.json`: everything a reader of a model folder needs, so that no constant of a detector hides in code. The
 * documentation of each field is in docs/model-folder.md.
 */

/** What the manifest of every model folder says. */
interface AnyManifest {
  readonly format: 'vertebra-model'
  readonly version: 1
  readonly name: string
  readonly description: string
  readonly architecture: string
  readonly input: InputSpec
  /** What the backbone gives, finest first. */
  readonly features: readonly FeatureInfo[]
  readonly source: ModelSource
  readonly metrics: readonly ModelMetric[]
}

/** The manifest of a detector. */
export interface Manifest extends AnyManifest {
  readonly task?: 'detect' | undefined
  /** The K classes in the order of the network's outputs, without background. */
  readonly labels: readonly { readonly name: string; readonly categoryId: number }[]
  /** What the RPN and the RoI head see, finest first. */
  readonly pyramid: readonly FeatureInfo[]
  readonly anchors: AnchorSpec
  readonly rpn: ProposalOptions
  readonly roi: RoiSpec
  readonly head: PostprocessOptions & RefinementSpec
  readonly graphs: { readonly backbone: GraphFile; readonly rpn: GraphFile; readonly roiHead: GraphFile }
}

/** The manifest of a backbone alone. */
export interface FeaturesManifest extends AnyManifest {
  readonly task: 'features'
  readonly graphs: { readonly backbone: GraphFile }
}

/** The manifest of a classifier: a backbone, and a graph from its last level to one logit a class. */
export interface ClassifierManifest extends AnyManifest {
  readonly task: 'classify'
  /** The K classes in the order of the network's outputs; a name may occur twice, as in ImageNet. */
  readonly labels: readonly { readonly name: string }[]
  readonly graphs: { readonly backbone: GraphFile; readonly classifier: GraphFile }
}

/**
 * The manifest of a detector that was exported as one graph, from the photo to boxes or nearly so: what the graph is fed, and how
 * its outputs are read.
 */
export interface WholeManifest extends AnyManifest {
  readonly task: 'detect-whole'
  /** None: such a graph gives no feature maps. */
  readonly features: readonly FeatureInfo[]
  /** The K classes in the order of the network's outputs, without background. */
  readonly labels: Manifest['labels']
  readonly feeds: {
    /** Name of the graph's input: the photo, [1, 3, H, W], or [3, H, W] when it is not `batched`. */
    readonly image: string
    readonly batched: boolean
    /** Name of an int64 input [1, H, W]: 1 where the photo is, 0 where padding is. */
    readonly mask?: string | undefined
  }
  readonly outputs: OutputForm
  readonly head: SuppressionRule
  readonly graphs: { readonly detector: GraphFile }
}

/** The manifest of any detector. */
export type DetectorManifest = Manifest | WholeManifest

/** The manifest of any model folder; without a `task` it is a detector's. */
export type ModelManifest = DetectorManifest | FeaturesManifest | ClassifierManifest

/** The graphs of a detector. */
export type GraphName = keyof Manifest['graphs']

/** The name of a graph of any model. */
export type AnyGraphName = GraphName | 'classifier' | 'detector'

export interface GraphFile {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** How weights are stored; `int8`: what the graph computes in, too. */
  readonly precision: 'float32' | 'float16' | 'int8-weights' | 'int8'
}

/** Where the weights come from, and under which terms. */
export interface ModelSource {
  readonly weights: string
  readonly url?: string | undefined
  readonly licence: string
  readonly attribution?: string | undefined
  readonly citations: readonly string[]
}

/** A measured figure and the command that measures it. */
export interface ModelMetric {
  readonly dataset: string
  readonly metric: string
  readonly value: number
  readonly command: string
}
