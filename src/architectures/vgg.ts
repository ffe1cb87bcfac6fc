import { unexpected } from '../errors.ts'
import type { Value } from '../onnx/graph.ts'
import { checkCount, type FeatureInfo, level } from './feature.ts'
import type { LayerBuilder } from './layers.ts'

/**
 * A VGG network (Simonyan and Zisserman 2015, arXiv:1409.1556): five stages of 3x3 convolutions with bias and ReLU, a 2x2
 * max-pool after each. Its weights have the names of the Caffe model: `backbone.conv<stage>_<i>.{weight,bias}`, from 1.
 */
export interface VggDescription {
  readonly family: 'vgg'
  /** Convolutions of each of the five stages. */
  readonly convolutions: readonly number[]
  /** Channels of each of the five stages. */
  readonly widths: readonly number[]
}

/** VGG with 13 (depth 16) or 16 (depth 19) convolutions; throws `INVALID_ARGUMENT` for another depth. */
export function vgg(depth: 16 | 19): VggDescription {
  if (depth !== 16 && depth !== 19) throw unexpected('depth', '16 or 19', depth)
  const convolutions = depth === 16 ? [2, 2, 3, 3, 3] : [2, 2, 4, 4, 4]
  return { family: 'vgg', convolutions, widths: [64, 128, 256, 512, 512] }
}

/** c2, c3 and c4 are the last maps of stages 3 to 5 before their pool (conv3_3, conv4_3, conv5_3 of VGG-16), c5 is pool5. */
export function vggFeatures({ convolutions, widths }: VggDescription): FeatureInfo[] {
  if (convolutions.length !== 5) throw unexpected('convolutions', 'counts of 5 stages', convolutions)
  if (widths.length !== 5) throw unexpected('widths', 'channels of 5 stages', widths)
  for (const count of convolutions) checkCount('convolutions of a stage', count)
  for (const width of widths) checkCount('the width of a stage', width)
  return [2, 3, 4, 5].map((number) => level('c', number, widths[Math.min(number, 4)] as number))
}

/** The network from `image` up to `lastLevel`: the maps of all levels on the way, by name. */
export function vggNetwork(
  layers: LayerBuilder,
  { convolutions, widths }: VggDescription,
  image: Value,
  lastLevel: string,
): Map<string, Value> {
  const maps = new Map<string, Value>()
  let x = image
  for (const [stage, count] of convolutions.entries()) {
    if (stage > 0) x = layers.graph.maxPool(x, { kernel: 2, stride: 2 })
    for (let i = 1; i <= count; i++) {
      x = layers.graph.relu(layers.conv(x, `backbone.conv${stage + 1}_${i}`, widths[stage] as number, { kernel: 3 }))
    }
    if (stage >= 2) maps.set(`c${stage}`, x)
    if (maps.has(lastLevel)) return maps
  }
  return maps.set('c5', layers.graph.maxPool(x, { kernel: 2, stride: 2 }))
}
