import type { ResidualDescription } from '../architectures/residual.ts'
import { huggingFaceResnetName } from '../weights/dialects/huggingface.ts'
import { torchvisionResnetName } from '../weights/dialects/torchvision.ts'
import { invalidWeights, type WeightFile } from '../weights/stored-tensor.ts'
import type { Weights } from '../weights/weights.ts'
import { checkpoint } from './checkpoint.ts'
import { describeResidual, residualTitle } from './describe-residual.ts'

/** A backbone out of a file of weights, ready for `buildBackbone` and `buildClassifier`. */
export interface ResidualBackbone {
  /** `ResNet-50 (stride on the 3x3) with the names of Hugging Face` */
  readonly title: string
  readonly description: ResidualDescription
  readonly weights: Weights
  /** Outputs of its classifier, where it has one. */
  readonly classes: number | undefined
}

const NAMINGS: readonly (readonly [title: string, rename: (canonical: string) => string])[] = [
  ['torchvision and timm', torchvisionResnetName],
  ['Hugging Face', huggingFaceResnetName],
]

/**
 * The ResNet or ResNeXt that a file of weights of torchvision, timm or Hugging Face holds, of any depth.
 *
 * @throws VertebraError `WEIGHTS_INVALID` when it holds none
 * @example
 * const file = readWeights(await readFile('resnet50-0676ba61.pth'), 'resnet50-0676ba61.pth')
 * const { title, description, weights } = residualBackbone(file)
 * const model = buildBackbone(description, weights)
 */
export function residualBackbone(file: WeightFile): ResidualBackbone {
  for (const [project, rename] of NAMINGS) {
    const source = checkpoint(file, rename)
    if (!source.shape('backbone.block1.unit1.conv1.weight') || !source.shape('backbone.conv1.weight')) continue
    const description = describeResidual(source, { variant: 'v1.5', epsilon: 1e-5 })
    const title = `${residualTitle(description)} with the names of ${project}`
    return { title, description, weights: source.weights, classes: source.shape('classifier.weight')?.[0] }
  }
  const some = [...file.tensors.keys()].slice(0, 4).join(', ')
  throw invalidWeights(
    `a ResNet with the names of torchvision, timm or Hugging Face but received tensors such as ${some}`,
  )
}
