import { checkChoice, checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { Value } from '../onnx/graph.ts'
import type { Model } from '../onnx/model.ts'
import type { Weights } from '../weights/weights.ts'
import { alexnetFeatures, alexnetNetwork } from './alexnet.ts'
import type { BackboneDescription } from './backbone-description.ts'
import { classifierLayers, fixedSize } from './classifier-layers.ts'
import type { FeatureInfo } from './feature.ts'
import { googlenetFeatures, googlenetNetwork } from './googlenet.ts'
import { LayerBuilder } from './layers.ts'
import { residualFeatures, residualNetwork } from './residual.ts'
import { vggFeatures, vggNetwork } from './vgg.ts'

/**
 * The feature maps a backbone gives, finest first, without building it.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the description is not one of a network that can be built
 * @example
 * backboneFeatures(resnet(50)).at(-1)   // { name: 'c5', channels: 2048, stride: 32 }
 */
export function backboneFeatures(description: BackboneDescription): FeatureInfo[] {
  switch (description.family) {
    case 'residual':
      return residualFeatures(description)
    case 'vgg':
      return vggFeatures(description)
    case 'alexnet':
      return alexnetFeatures(description)
    case 'googlenet':
      return googlenetFeatures(description)
    default: {
      const { family } = description as { family?: unknown }
      throw unexpected('family', "'residual', 'vgg', 'alexnet' or 'googlenet'", family)
    }
  }
}

/**
 * The graph `backbone`: input `image` float32 [N, 3, H, W] (normalised), outputs the wanted levels, `c2` … `c5` (a network
 * for 32x32 pictures: `c0` … `c2`), each [N, channels, H / stride, W / stride] and after its activation. N, H and W are free;
 * where a stride does not divide them, VGG and the stem's pool with `stemPool: 'end'` round down, AlexNet loses a border, and
 * all else rounds up. Layers that no wanted level needs are left out.
 *
 * @param levels default: all that {@link backboneFeatures} lists
 * @throws VertebraError `INVALID_ARGUMENT` for a description or level that does not exist, `WEIGHTS_INVALID` for a tensor
 * that is missing or does not fit
 * @example
 * const file = readSafetensors(await readFile('detector.safetensors'))
 * const model = buildBackbone(slimResnetV2(101), storedWeights(file.tensors))
 * await writeFile('backbone.onnx', encodeModel(model))
 */
export function buildBackbone(
  description: BackboneDescription,
  weights: Weights,
  levels: readonly string[] = backboneFeatures(description).map(({ name }) => name),
): Model {
  if (levels.length === 0) throw unexpected('levels', 'at least one level', levels)
  return buildGraph('backbone', description, weights, { levels })
}

/**
 * The graph `classifier`. VGG and AlexNet: `image` [N, 3, 224, 224] and three fully connected layers,
 * `classifier.{fc6,fc7,fc8}`. The others: `image` [N, 3, H, W], global average pooling and one layer, `classifier`. Output
 * `logits` [N, classes].
 *
 * @throws VertebraError as {@link buildBackbone}
 * @example
 * const model = buildClassifier(vgg(16), weights, 1000)
 */
export function buildClassifier(description: BackboneDescription, weights: Weights, classes: number): Model {
  return buildGraph('classifier', description, weights, { levels: [], classes })
}

/** What a graph gives: levels of the backbone and, where `classes` is given, the `logits`. */
interface Wanted {
  readonly levels: readonly string[]
  readonly classes?: number | undefined
}

/** One graph of the backbone with any of its levels, its classifier, or both. */
export function buildGraph(
  name: string,
  description: BackboneDescription,
  weights: Weights,
  { levels, classes }: Wanted,
): Model {
  const known = backboneFeatures(description).map((feature) => feature.name)
  for (const level of levels) checkChoice('levels', level, known)
  if (classes !== undefined) checkCount('classes', classes)
  const last = known.findLast((level) => classes !== undefined || levels.includes(level)) ?? ''
  const layers = new LayerBuilder(name, weights)
  const size = classes === undefined ? undefined : fixedSize(description)?.pixels
  const image = layers.graph.input('image', 'float32', ['N', 3, size ?? 'H', size ?? 'W'])
  const maps = network(layers, description, image, last)
  for (const [level, value] of maps) if (levels.includes(level)) layers.graph.output(value, level)
  const top = maps.get(last)
  if (classes !== undefined && top) layers.graph.output(classifierLayers(layers, description, top, classes), 'logits')
  return layers.graph.build()
}

function network(
  layers: LayerBuilder,
  description: BackboneDescription,
  image: Value,
  lastLevel: string,
): Map<string, Value> {
  switch (description.family) {
    case 'residual':
      return residualNetwork(layers, description, image, lastLevel)
    case 'vgg':
      return vggNetwork(layers, description, image, lastLevel)
    case 'alexnet':
      return alexnetNetwork(layers, description, image, lastLevel)
    case 'googlenet':
      return googlenetNetwork(layers, description, image, lastLevel)
  }
}
