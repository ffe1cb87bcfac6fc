import type { Model } from '../onnx/model.ts'
import type { Weights } from '../weights/weights.ts'
import { type BackboneDescription, backboneFeatures, classifierTop } from './backbone.ts'
import { checkCount } from './feature.ts'
import { LayerBuilder } from './layers.ts'

/** Cells along a side of the last level for the only picture size that the fully connected layers take, 224. */
const FIXED_CELLS: Readonly<Partial<Record<BackboneDescription['family'], number>>> = { vgg: 7, alexnet: 6 }

/**
 * The graph `classifier` without its backbone: input the last level of {@link backboneFeatures} (`c5`) [N, C, H, W], output
 * `logits` [N, classes]. H and W are free except for VGG (7) and AlexNet (6).
 *
 * @throws VertebraError as `buildClassifier`
 * @example
 * const top = buildClassifierTop(resnet(50), weights, 1000)
 * const model = joinModels(buildBackbone(resnet(50), weights), top, { outputs: ['logits'] })
 */
export function buildClassifierTop(description: BackboneDescription, weights: Weights, classes: number): Model {
  checkCount('classes', classes)
  const { name = '', channels = 0 } = backboneFeatures(description).at(-1) ?? {}
  const layers = new LayerBuilder('classifier', weights)
  const cells = FIXED_CELLS[description.family]
  const map = layers.graph.input(name, 'float32', ['N', channels, cells ?? 'H', cells ?? 'W'])
  layers.graph.output(classifierTop(layers, description, map, classes), 'logits')
  return layers.graph.build()
}
