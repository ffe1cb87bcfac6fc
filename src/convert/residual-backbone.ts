import type { ResidualDescription } from '../architectures/residual-description.ts'
import { describe } from '../errors.ts'
import { caffeNormsDivided, caffeResnetName, caffeTensors } from '../weights/names/caffe.ts'
import { CHAINER_EPSILON, chainerResnetName, isChainerCounter } from '../weights/names/chainer.ts'
import { huggingFaceResnetName } from '../weights/names/huggingface.ts'
import { shapeOutputsFirst } from '../weights/names/kernels.ts'
import { kernelsOutputsFirst, slimResnetV2Name } from '../weights/names/slim.ts'
import { torchvisionResnetName } from '../weights/names/torchvision.ts'
import { invalidWeights, type WeightFile } from '../weights/stored-tensor.ts'
import type { Weights } from '../weights/weights.ts'
import { type Checkpoint, checkpoint } from './checkpoint.ts'
import { biasesInNorms } from './conv-biases.ts'
import { describeResidual, residualTitle } from './describe-residual.ts'

/** A backbone out of a file of weights, ready for `buildBackbone` and `buildClassifier`. */
export interface ResidualBackbone {
  /** `ResNet-50 (stride on the 3x3) with the names of Hugging Face` */
  readonly title: string
  /** Whose names its tensors have. */
  readonly project: string
  readonly description: ResidualDescription
  readonly weights: Weights
  /** Outputs of its classifier, where it has one. */
  readonly classes: number | undefined
}

/** One project's names for the tensors of a ResNet, and what they do not tell. */
interface Naming {
  readonly project: string
  open(file: WeightFile): Checkpoint | undefined
  readonly variant: 'v1' | 'v1.5'
  readonly epsilon: number
  readonly changes?: Partial<ResidualDescription>
}

const NAMINGS: readonly Naming[] = [
  {
    project: 'torchvision and timm',
    open: (file) => checkpoint(file, torchvisionResnetName),
    variant: 'v1.5',
    epsilon: 1e-5,
  },
  { project: 'Hugging Face', open: (file) => checkpoint(file, huggingFaceResnetName), variant: 'v1.5', epsilon: 1e-5 },
  {
    project: 'KaimingHe (Caffe)',
    open: caffeResnet,
    variant: 'v1',
    epsilon: 1e-5,
    changes: { stemPool: 'end' },
  },
  {
    project: 'ChainerCV',
    open: (file) => withBiases(checkpoint(file, chainerResnetName, isChainerCounter)),
    variant: 'v1',
    epsilon: CHAINER_EPSILON,
    changes: { stemPool: 'end' },
  },
  {
    project: 'TF-slim',
    open: slimResnet,
    variant: 'v1.5',
    epsilon: 1e-5,
    changes: { variant: 'v2', strideIn: 'last-unit', stemPool: 'same' },
  },
]

/**
 * The ResNet or ResNeXt that a file of weights holds, of any depth: of torchvision, timm, Hugging Face, ChainerCV (`.npz`),
 * KaimingHe's deep-residual-networks (`.caffemodel`), or a resnet_v2 of TF-slim (its variables as `.npz`).
 *
 * @throws VertebraError `WEIGHTS_INVALID` when it holds none
 * @example
 * const file = readWeights(await readFile('resnet50-0676ba61.pth'), 'resnet50-0676ba61.pth')
 * const { title, description, weights } = residualBackbone(file)
 * const model = buildBackbone(description, weights)
 */
export function residualBackbone(file: WeightFile): ResidualBackbone {
  for (const { project, open, variant, epsilon, changes } of NAMINGS) {
    const source = open(file)
    if (!source?.shape('backbone.block1.unit1.conv1.weight') || !source.shape('backbone.conv1.weight')) continue
    const description = { ...describeResidual(source, { variant, epsilon }), ...changes }
    const title = `${residualTitle(description)} with the names of ${project}`
    return { title, project, description, weights: source.weights, classes: source.shape('classifier.weight')?.[0] }
  }
  const some = [...file.tensors.keys()].slice(0, 4).map(describe).join(', ')
  const projects = NAMINGS.map(({ project }) => project).join(', ')
  throw invalidWeights(`a ResNet with the names of ${projects} but received tensors such as ${some}`)
}

function withBiases(source: Checkpoint): Checkpoint {
  return { ...source, weights: biasesInNorms(source.weights) }
}

function caffeResnet(file: WeightFile): Checkpoint {
  const squeezed = caffeTensors(file)
  const source = checkpoint(squeezed, (canonical) => caffeResnetName(canonical, (name) => squeezed.tensors.has(name)))
  return withBiases({ ...source, weights: caffeNormsDivided(source.weights) })
}

/** What TensorFlow's checkpoints hold besides the network: the step, moving averages of weights, and a loss. */
function isSlimCounter(name: string): boolean {
  return /(^global_step|\/(Momentum|RMSProp(_1)?|ExponentialMovingAverage))$/.test(name)
}

function slimResnet(file: WeightFile): Checkpoint | undefined {
  const scope = /^(.*resnet_v2_\d+)\/conv1\/weights$/
  const found = [...file.tensors.keys()].map((name) => scope.exec(name)?.[1]).find((name) => name !== undefined)
  if (found === undefined) return undefined
  const source = checkpoint(file, (canonical) => slimResnetV2Name(canonical, found), isSlimCounter)
  return {
    weights: kernelsOutputsFirst(source.weights),
    shape: (canonical) => shapeOutputsFirst(source.shape(canonical)),
  }
}
