import { alexnet } from '../architectures/alexnet.ts'
import type { BackboneDescription } from '../architectures/backbone-description.ts'
import { googlenet, type InceptionWidths } from '../architectures/googlenet.ts'
import { type VggDepth, vgg } from '../architectures/vgg.ts'
import { toFloat32 } from '../weights/elements.ts'
import { hasKerasNames } from '../weights/names/keras.ts'
import { torchvisionAlexnetName, torchvisionGooglenetName, torchvisionVggName } from '../weights/names/torchvision.ts'
import { invalidWeights, type WeightFile } from '../weights/stored-tensor.ts'
import { type Checkpoint, checkpoint, outputsOf } from './checkpoint.ts'
import { vggTitle } from './describe-vgg.ts'
import type { ImageNetwork } from './image-network-form.ts'
import { kerasNetwork } from './keras-network.ts'
import { NETWORK_INPUTS } from './network-inputs.ts'
import { residualBackbone } from './residual-backbone.ts'

export type { ImageNetwork }

const EPSILON = 1e-5
/** Projects whose networks take pictures with ImageNet's mean and deviation. */
const KNOWN_INPUT: readonly string[] = ['torchvision and timm', 'Hugging Face']

/**
 * The network that a file of weights holds: a ResNet or ResNeXt of torchvision, timm or Hugging Face; torchvision's VGG-11, 13,
 * 16 or 19 with or without batch norm, AlexNet or GoogLeNet; ResNet-50, 101 or 152, VGG-16 or 19 of Keras Applications (`.h5`).
 *
 * @throws VertebraError `WEIGHTS_INVALID` when it holds none
 * @example
 * const file = readWeights(await readFile('vgg16_bn-6c64b313.pth'), 'vgg16_bn-6c64b313.pth')
 * const { title, classes } = imageNetwork(file) // VGG-16 with batch norm, 1000
 */
export function imageNetwork(file: WeightFile): ImageNetwork {
  if (hasKerasNames(file)) return kerasNetwork(file)
  if (file.tensors.has('inception3a.branch1.conv.weight')) return googlenetOf(file)
  if (file.tensors.has('features.0.weight')) return vggOf(file) ?? alexnetOf(file)
  const { title, project, description, weights, classes } = residualBackbone(file)
  if (!KNOWN_INPUT.includes(project)) {
    throw invalidWeights(`a network of ${KNOWN_INPUT.join(' or ')}, whose pictures are known, but received ${title}`)
  }
  return { title, description, weights, classes, ...NETWORK_INPUTS.imagenet, isExtra: () => false }
}

const DEPTHS: readonly VggDepth[] = [11, 13, 16, 19]

/** The depth whose convolutions are exactly those of the file. */
function vggOf(file: WeightFile): ImageNetwork | undefined {
  const hasNorm = file.tensors.has('features.1.running_mean')
  const convolutions = [...file.tensors].filter(
    ([name, { shape }]) => name.startsWith('features.') && shape.length === 4,
  )
  const found = DEPTHS.find((depth) => {
    const counts = vgg(depth).convolutions
    const names = counts.flatMap((count, stage) =>
      Array.from({ length: count }, (_, i) =>
        torchvisionVggName(`backbone.conv${stage + 1}_${i + 1}.weight`, counts, hasNorm),
      ),
    )
    return names.length === convolutions.length && names.every((name) => file.tensors.has(name))
  })
  if (found === undefined) return undefined
  const counts = vgg(found).convolutions
  const source = checkpoint(file, (canonical) => torchvisionVggName(canonical, counts, hasNorm))
  const description = vgg(found, {
    widths: [1, 2, 3, 4, 5].map((stage) => outputsOf(source, `backbone.conv${stage}_1.weight`)),
    ...(hasNorm && { norm: { kind: 'batch', epsilon: EPSILON } }),
    ...hiddenOf(source),
  })
  const network = torchvisionNetwork(
    `${vggTitle(description)}${hasNorm ? ' with batch norm' : ''}`,
    description,
    source,
  )
  return hasFeaturesOnly(file) ? { ...network, ...NETWORK_INPUTS['caffe-rgb'], classes: undefined } : network
}

/** torchvision's `VGG16_Weights.IMAGENET1K_FEATURES`, ported from Caffe: its classifier holds NaN. */
function hasFeaturesOnly({ tensors }: WeightFile): boolean {
  const bias = tensors.get('classifier.6.bias')
  return bias !== undefined && toFloat32(bias).every(Number.isNaN)
}

function alexnetOf(file: WeightFile): ImageNetwork {
  const source = checkpoint(file, torchvisionAlexnetName)
  const widths = [1, 2, 3, 4, 5].map((layer) => outputsOf(source, `backbone.conv${layer}.weight`))
  return torchvisionNetwork('AlexNet in one column', alexnet({ widths, ...hiddenOf(source) }), source)
}

/** Published weights are used with `transform_input`: whatever the preset says, the network sees 0.5 as mean and deviation. */
function googlenetOf(file: WeightFile): ImageNetwork {
  const source = checkpoint(file, torchvisionGooglenetName)
  const width = (layer: string): number => outputsOf(source, `backbone.${layer}.weight`)
  const stages = [3, 4, 5].map((stage) => {
    const modules: InceptionWidths[] = []
    for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
      const module = `inception${stage}${letter}`
      if (modules.length > 0 && !source.shape(`backbone.${module}.conv1.weight`)) break
      const [conv1, reduce3, conv3, reduce5, conv5, project] = INCEPTION.map((layer) => width(`${module}.${layer}`))
      modules.push([conv1 ?? 0, reduce3 ?? 0, conv3 ?? 0, reduce5 ?? 0, conv5 ?? 0, project ?? 0])
    }
    return modules
  })
  const description = googlenet({ stem: ['conv1', 'conv2', 'conv3'].map(width), stages })
  return {
    ...torchvisionNetwork('GoogLeNet with batch norm', description, source),
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    isExtra: (name) => /^aux[12]\./.test(name),
  }
}

const INCEPTION = ['conv1', 'reduce3', 'conv3', 'reduce5', 'conv5', 'project'] as const

function torchvisionNetwork(name: string, description: BackboneDescription, source: Checkpoint): ImageNetwork {
  const last = description.family === 'googlenet' ? 'classifier' : 'classifier.fc8'
  return {
    title: `${name} with the names of torchvision`,
    description,
    weights: source.weights,
    classes: source.shape(`${last}.weight`)?.[0],
    ...NETWORK_INPUTS.imagenet,
    isExtra: () => false,
  }
}

function hiddenOf(source: Checkpoint): { hidden?: number } {
  const hidden = source.shape('classifier.fc6.weight')?.[0]
  return hidden === undefined ? {} : { hidden }
}
