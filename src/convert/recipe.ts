import type { BackboneDescription } from '../architectures/backbone-description.ts'
import type { PyramidDescription } from '../architectures/fpn.ts'
import type { RoiBody } from '../architectures/roi-head.ts'
import type { Manifest } from '../models/manifest.ts'
import type { Weights } from '../weights/weights.ts'

/** What a detector is made of, apart from its numbers. Together with `Weights` it gives the three graphs. */
export interface NetworkDescription {
  readonly backbone: BackboneDescription
  /** Levels of the backbone that the pyramid, or without one the RPN, reads: `c3`, `c4`, `c5`. */
  readonly levels: readonly string[]
  readonly pyramid?: PyramidDescription | undefined
  /** Channels of the RPN's 3x3 convolution. */
  readonly rpnChannels: number
  /** How many of them there are; default 1. */
  readonly rpnConvolutions?: number | undefined
  readonly roiBody: RoiBody
}

/** The part of a manifest that is known before the graphs are built. */
export type ManifestBase = Omit<Manifest, 'features' | 'pyramid' | 'graphs'>

/** Everything the converter needs, whatever format the weights came in. */
export interface Recipe {
  readonly weights: Weights
  readonly network: NetworkDescription
  readonly manifest: ManifestBase
  /** Tensors that may stay unused: what a detector has no need of, such as a mask head. Default: none. */
  readonly isExtra?: ((name: string) => boolean) | undefined
}

/** What a person says about a model: none of it changes a number. */
export type About = {
  readonly [Field in 'name' | 'description' | 'source' | 'metrics']?: Manifest[Field] | undefined
}
