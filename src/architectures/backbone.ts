import { unexpected } from '../errors.ts'
import type { Value } from '../onnx/graph.ts'
import type { Model } from '../onnx/model.ts'
import type { Weights } from '../weights/weights.ts'
import { checkChoice, checkCount, type FeatureInfo } from './feature.ts'
import { LayerBuilder } from './layers.ts'
import { type ResidualDescription, residualFeatures, residualNetwork } from './residual.ts'
import { type VggDescription, vggFeatures, vggNetwork } from './vgg.ts'

/** A network that turns an image into feature maps. */
export type BackboneDescription = ResidualDescription | VggDescription

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
    default:
      throw unexpected('family', "'residual' or 'vgg'", (description as { family?: unknown }).family)
  }
}

/**
 * The graph `backbone`: input `image` float32 [N, 3, H, W] (normalised), outputs the wanted levels, `c2` … `c5`, each
 * [N, channels, H / stride, W / stride] and after its activation. N, H and W are free; where a stride does not divide
 * them, VGG and the stem's pool with `stemPool: 'end'` round down and all else rounds up. Layers that no wanted level
 * needs are left out.
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
  const known = backboneFeatures(description).map(({ name }) => name)
  for (const name of levels) checkChoice('levels', name, known)
  const last = known.findLast((name) => levels.includes(name))
  if (last === undefined) throw unexpected('levels', 'at least one level', levels)
  const layers = new LayerBuilder('backbone', weights)
  const maps = network(layers, description, last)
  for (const [name, value] of maps) if (levels.includes(name)) layers.graph.output(value, name)
  return layers.graph.build()
}

/**
 * The graph `classifier`: a residual network with global average pooling and one fully connected layer,
 * `classifier.{weight,bias}`. Input `image` [N, 3, H, W], output `logits` [N, classes].
 */
export function buildClassifier(description: ResidualDescription, weights: Weights, classes: number): Model {
  checkCount('classes', classes)
  const last = backboneFeatures(description).at(-1)
  const layers = new LayerBuilder('classifier', weights)
  const top = last && network(layers, description, last.name).get(last.name)
  if (!top) throw unexpected('stages', 'at least one stage', description.stages)
  layers.graph.output(layers.linear(layers.pooledVector(top), 'classifier', classes), 'logits')
  return layers.graph.build()
}

function network(layers: LayerBuilder, description: BackboneDescription, lastLevel: string): Map<string, Value> {
  const image = layers.graph.input('image', 'float32', ['N', 3, 'H', 'W'])
  return description.family === 'vgg'
    ? vggNetwork(layers, description, image, lastLevel)
    : residualNetwork(layers, description, image, lastLevel)
}
