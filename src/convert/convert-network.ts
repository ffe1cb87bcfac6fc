import { backboneFeatures, buildBackbone } from '../architectures/backbone.ts'
import { buildClassifierTop } from '../architectures/classifier-top.ts'
import { unexpected, VertebraError } from '../errors.ts'
import type { InputSpec } from '../images/input-spec.ts'
import type { ClassifierManifest, FeaturesManifest } from '../models/manifest.ts'
import { invalidWeights } from '../weights/stored-tensor.ts'
import type { ImageNetwork } from './image-network.ts'
import { NETWORK_INPUTS, type NetworkInput } from './network-inputs.ts'
import type { About } from './recipe.ts'
import { type ConvertedModel, type ModelOutput, type StoredPrecision, storeModel } from './store-model.ts'

/** What a person says about a network of whole pictures, as its weights do not. */
export interface NetworkOptions {
  /** Class names in the order of the network's outputs. Default: `class 0` and so on. */
  readonly labels?: readonly string[] | undefined
  readonly about?: About | undefined
  /** The shorter side of a picture becomes this many pixels. Default 256, as most networks of ImageNet were tested with. */
  readonly resize?: number | undefined
  /** A classifier then sees the middle square of this side. Default 224, for VGG and AlexNet the only one. */
  readonly crop?: number | undefined
  /**
   * How the network was shown its pictures: `imagenet`, less ImageNet's mean and divided by its deviation; `caffe-rgb`, levels of 0
   * to 255 less their mean. Default: that of the project whose weights it has.
   */
  readonly input?: NetworkInput | undefined
}

/** For a backbone alone, so that a panorama stays within memory. */
const LONGEST_SIDE = 1024
const INPUT_LEVELS = 255

/**
 * A model folder that classifies: the backbone, and its classifier on the last level.
 *
 * @throws VertebraError `WEIGHTS_INVALID` for weights without a classifier, a tensor that is missing, left over or of another
 * shape; `INVALID_ARGUMENT` for labels of another number or another input; `MODEL_INVALID` for a crop that is larger than the picture.
 * @example
 * const network = imageNetwork(readWeights(await readFile('resnet50-11ad3fa6.pth'), 'resnet50-11ad3fa6.pth'))
 * const { files } = await convertClassifier(network, { labels, resize: 232 })
 */
export async function convertClassifier(
  network: ImageNetwork,
  options: NetworkOptions = {},
  precision: StoredPrecision = 'int8-weights',
  output?: ModelOutput,
): Promise<ConvertedModel<ClassifierManifest>> {
  const { title, description, weights, classes, isExtra } = network
  if (classes === undefined) throw invalidWeights(`a classifier in the weights but received ${title} without one`)
  const { resize: size = 256, crop = 224 } = options
  const graphs = {
    backbone: buildBackbone(description, weights),
    classifier: buildClassifierTop(description, weights, classes),
  }
  const base = {
    ...manifestOf(network, options, `${classes} classes`),
    task: 'classify' as const,
    labels: labelsOf(classes, options.labels),
    input: inputOf(normalisationOf(network, options.input), { rule: 'crop', size, width: crop, height: crop }),
  }
  return storeModel('classify', { weights, isExtra, base, graphs }, precision, output)
}

/**
 * A model folder that gives feature maps and embeddings: the backbone alone, of whole pictures.
 *
 * @param precision how weights are stored; default `int8-weights`
 * @param output takes the files; default: they are kept in the result
 * @throws VertebraError as {@link convertClassifier}
 * @example
 * const network = imageNetwork(readWeights(await readFile('vgg16-397923af.pth'), 'vgg16-397923af.pth'))
 * const { files } = await convertBackbone(network, { resize: 480 })
 */
export async function convertBackbone(
  network: ImageNetwork,
  options: Omit<NetworkOptions, 'labels' | 'crop'> = {},
  precision: StoredPrecision = 'int8-weights',
  output?: ModelOutput,
): Promise<ConvertedModel<FeaturesManifest>> {
  const { description, weights } = network
  const { resize: size = 256 } = options
  const graphs = { backbone: buildBackbone(description, weights) }
  const base = {
    ...manifestOf(network, options, 'without a classifier'),
    task: 'features' as const,
    input: inputOf(normalisationOf(network, options.input), {
      rule: 'shorter',
      size,
      max: Math.max(size, LONGEST_SIDE),
      rounding: 'nearest',
    }),
  }
  const isExtra = (name: string): boolean => network.isExtra(name) || /^(classifier|fc)\./.test(name)
  return storeModel('features', { weights, isExtra, base, graphs }, precision, output)
}

function manifestOf(
  { title, description }: ImageNetwork,
  { about = {} }: NetworkOptions,
  form: string,
): Omit<FeaturesManifest, 'task' | 'input' | 'graphs'> {
  return {
    format: 'vertebra-model',
    version: 1,
    name: about.name ?? description.family,
    description: about.description ?? `${title}, ${form}.`,
    architecture: title,
    features: backboneFeatures(description),
    source: about.source ?? { weights: 'not stated', licence: 'not stated', citations: [] },
    metrics: about.metrics ?? [],
  }
}

function normalisationOf(network: ImageNetwork, input: NetworkInput | undefined): Pick<ImageNetwork, 'mean' | 'std'> {
  if (input === undefined) return network
  if (!Object.hasOwn(NETWORK_INPUTS, input)) throw unexpected('input', Object.keys(NETWORK_INPUTS).join(' or '), input)
  return NETWORK_INPUTS[input]
}

/** Pillow's resizing to whole levels, as torchvision and timm test with picture files. */
function inputOf(
  { mean, std }: Pick<ImageNetwork, 'mean' | 'std'>,
  rule:
    | { rule: 'crop'; size: number; width: number; height: number }
    | { rule: 'shorter'; size: number; max: number; rounding: 'nearest' },
): InputSpec {
  const scaled = ([red, green, blue]: readonly [number, number, number]) =>
    [red * INPUT_LEVELS, green * INPUT_LEVELS, blue * INPUT_LEVELS] as const
  return {
    channels: 'rgb',
    mean: scaled(mean),
    std: scaled(std),
    resize: { ...rule, filter: 'antialias', output: 'uint8' },
    padMultiple: 1,
  }
}

function labelsOf(classes: number, given: readonly string[] | undefined): ClassifierManifest['labels'] {
  if (given === undefined) return Array.from({ length: classes }, (_, i) => ({ name: `class ${i}` }))
  if (given.length === classes) return given.map((name) => ({ name }))
  throw new VertebraError(
    'INVALID_ARGUMENT',
    `Expected ${classes} labels, one for each class of the network, but received ${given.length}.`,
    { value: given },
  )
}
