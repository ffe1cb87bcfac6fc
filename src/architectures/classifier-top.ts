import { checkCount } from '../checks.ts'
import type { Model } from '../onnx/model.ts'
import type { Weights } from '../weights/weights.ts'
import { backboneFeatures } from './backbone.ts'
import type { BackboneDescription } from './backbone-description.ts'
import { classifierLayers, fixedSize } from './classifier-layers.ts'
import { LayerBuilder } from './layers.ts'

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
  const cells = fixedSize(description)?.cells
  const map = layers.graph.input(name, 'float32', ['N', channels, cells ?? 'H', cells ?? 'W'])
  layers.graph.output(classifierLayers(layers, description, map, classes), 'logits')
  return layers.graph.build()
}
