import { describe, VertebraError } from '../errors.ts'
import { alexnet } from './alexnet.ts'
import type { BackboneDescription } from './backbone-description.ts'
import { googlenet } from './googlenet.ts'
import type { Norm } from './layers.ts'
import { nearNames } from './near-names.ts'
import { cifarResnet, preactResnet, resnet, resnext } from './resnet.ts'
import { vgg } from './vgg.ts'

/** A network that has a name: what to build and what it was published with. */
export interface Architecture {
  /** `resnet50-v1`: the name it is asked for by. */
  readonly name: string
  /** `ResNet-50`: the name it is written about by, and how this form differs. */
  readonly title: string
  readonly description: BackboneDescription
  /** Outputs of its classifier: 1000 of ImageNet, 10 of CIFAR-10. */
  readonly classes: number
  /** Side of the square pictures it was published with: 224 or 32 pixels. */
  readonly inputSize: number
  /** The paper it comes from. */
  readonly source: string
}

const RESNET = 'He et al. 2016, arXiv:1512.03385'
const PREACT = 'He et al. 2016, arXiv:1603.05027'
const RESNEXT = 'Xie et al. 2017, arXiv:1611.05431'
const VGG = 'Simonyan and Zisserman 2015, arXiv:1409.1556'
const BATCH_NORM: Norm = { kind: 'batch', epsilon: 1e-5 }

const imagenet = (name: string, title: string, description: BackboneDescription, source: string): Architecture => ({
  name,
  title,
  description,
  classes: 1000,
  inputSize: 224,
  source,
})

const cifar = (name: string, title: string, description: BackboneDescription, source: string): Architecture => ({
  name,
  title,
  description,
  classes: 10,
  inputSize: 32,
  source,
})

/** Every network that has a name, family by family. */
export const ARCHITECTURES: readonly Architecture[] = [
  ...([18, 34, 50, 101, 152] as const).map((depth) =>
    imagenet(`resnet${depth}`, `ResNet-${depth}${depth > 34 ? ' v1.5' : ''}`, resnet(depth), RESNET),
  ),
  ...([50, 101, 152] as const).map((depth) =>
    imagenet(`resnet${depth}-v1`, `ResNet-${depth} v1`, resnet(depth, { variant: 'v1' }), RESNET),
  ),
  ...([18, 34] as const).flatMap((depth) =>
    (['A', 'C'] as const).map((shortcut) => {
      const title = `ResNet-${depth} with option ${shortcut} shortcuts`
      return imagenet(`resnet${depth}-${shortcut.toLowerCase()}`, title, resnet(depth, { shortcut }), RESNET)
    }),
  ),
  ...([18, 34] as const).map((depth) =>
    imagenet(`plain${depth}`, `plain-${depth}`, resnet(depth, { shortcut: 'none' }), RESNET),
  ),
  ...([50, 101, 152, 200] as const).map((depth) =>
    imagenet(`resnet${depth}-v2`, `pre-activation ResNet-${depth}`, preactResnet(depth), PREACT),
  ),
  ...([20, 32, 44, 56, 110, 1202] as const).map((depth) =>
    cifar(`resnet${depth}-cifar`, `ResNet-${depth} for CIFAR`, cifarResnet(depth), RESNET),
  ),
  ...([20, 32, 44, 56, 110] as const).map((depth) =>
    cifar(`plain${depth}-cifar`, `plain-${depth} for CIFAR`, cifarResnet(depth, { shortcut: 'none' }), RESNET),
  ),
  ...([110, 164, 1001] as const).map((depth) => {
    const unit = depth === 110 ? 'basic' : 'bottleneck'
    const shortcut = depth === 110 ? 'A' : 'B'
    const description = cifarResnet(depth, { unit, shortcut, variant: 'v2', bareBias: false })
    return cifar(`resnet${depth}-v2-cifar`, `pre-activation ResNet-${depth} for CIFAR`, description, PREACT)
  }),
  ...(
    [
      [50, 32, 4],
      [101, 32, 4],
      [101, 32, 8],
      [101, 64, 4],
    ] as const
  ).map(([depth, groups, width]) => {
    const form = `${groups}x${width}d`
    return imagenet(`resnext${depth}-${form}`, `ResNeXt-${depth} ${form}`, resnext(depth, groups, width), RESNEXT)
  }),
  ...([11, 13, 16, 19] as const).flatMap((depth) => [
    imagenet(`vgg${depth}`, `VGG-${depth}`, vgg(depth), VGG),
    imagenet(`vgg${depth}-bn`, `VGG-${depth} with batch norm`, vgg(depth, { norm: BATCH_NORM }), VGG),
  ]),
  imagenet('alexnet', 'AlexNet in one column', alexnet(), 'Krizhevsky 2014, arXiv:1404.5997'),
  imagenet('googlenet', 'GoogLeNet with batch norm', googlenet(), 'Szegedy et al. 2015, arXiv:1409.4842'),
]

/** The named network, or undefined where there is none of that name. */
export function findArchitecture(name: string): Architecture | undefined {
  return ARCHITECTURES.find((architecture) => architecture.name === name)
}

/**
 * The network of a name such as `resnet101`, `resnet50-v2`, `resnet110-cifar`, `resnext50-32x4d`, `vgg16-bn`.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for a name that is not there, with those that are like it
 * @example
 * const { description, classes } = architectureByName('resnet101')
 * const model = buildClassifier(description, weights, classes)
 */
export function architectureByName(name: string): Architecture {
  const found = findArchitecture(name)
  if (found) return found
  const names = ARCHITECTURES.map((architecture) => architecture.name)
  const near = typeof name === 'string' ? nearNames(name, names) : []
  throw new VertebraError(
    'INVALID_ARGUMENT',
    `Expected the name of an architecture but received ${describe(name)}; ${near.length > 0 ? 'near' : 'known'} are ` +
      `${(near.length > 0 ? near : names).join(', ')}.`,
    { value: name },
  )
}
