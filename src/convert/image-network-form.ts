import type { BackboneDescription } from '../architectures/backbone-description.ts'
import type { Weights } from '../weights/weights.ts'

/** A network that sees whole pictures, out of a file of weights: a backbone and, mostly, its classifier. */
export interface ImageNetwork {
  /** `ResNet-50 (stride on the 3x3) with the names of Hugging Face` */
  readonly title: string
  readonly description: BackboneDescription
  readonly weights: Weights
  /** Outputs of its classifier, where it has one. */
  readonly classes: number | undefined
  /** Mean and deviation of each colour, on the scale 0 to 1, that its pictures are brought to 0 and 1 with. */
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
  /** Tensors that neither the backbone nor the classifier has a place for. */
  readonly isExtra: (name: string) => boolean
}
