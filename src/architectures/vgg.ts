import { checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { Value } from '../onnx/graph.ts'
import { type FeatureInfo, level } from './feature.ts'
import { checkNorm, type LayerBuilder, type Norm } from './layers.ts'

/**
 * A VGG network (Simonyan and Zisserman 2015, arXiv:1409.1556): five stages of 3x3 convolutions with bias and ReLU, a 2x2
 * max-pool after each. Its weights have the names of the Caffe model: `backbone.conv<stage>_<i>.{weight,bias}`, from 1, with
 * batch norm also `.bn.*`; as a classifier `classifier.{fc6,fc7,fc8}.{weight,bias}`.
 */
export interface VggDescription {
  readonly family: 'vgg'
  /** Convolutions of each of the five stages. */
  readonly convolutions: readonly number[]
  /** Channels of each of the five stages. */
  readonly widths: readonly number[]
  /** Normalisation of every convolution, which has a bias besides (torchvision's `vgg16_bn`). Default: none. */
  readonly norm?: Norm | undefined
  /** Channels of fc6 and fc7 of the classifier; default 4096. */
  readonly hidden?: number | undefined
  /** Where a pool does not divide a map: `floor` drops the last row (PyTorch), `ceil` keeps it (Caffe, Chainer). Default `floor`. */
  readonly poolRounding?: 'floor' | 'ceil' | undefined
}

/** The paper's columns A, B, D and E: convolutions and three fully connected layers. */
export type VggDepth = 11 | 13 | 16 | 19

const CONVOLUTIONS: Readonly<Record<VggDepth, readonly number[]>> = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
}

/**
 * A VGG network. `changes` replaces any field: `{ norm: { kind: 'batch', epsilon: 1e-5 } }` is torchvision's `vgg16_bn`.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for another depth
 * @example
 * const features = backboneFeatures(vgg(16))   // c2 256, c3 512, c4 512, c5 512
 */
export function vgg(depth: VggDepth, changes: Partial<VggDescription> = {}): VggDescription {
  if (!Object.hasOwn(CONVOLUTIONS, depth)) throw unexpected('depth', Object.keys(CONVOLUTIONS).join(', '), depth)
  return { family: 'vgg', convolutions: CONVOLUTIONS[depth], widths: [64, 128, 256, 512, 512], ...changes }
}

/** c2, c3 and c4 are the last maps of stages 3 to 5 before their pool (conv3_3, conv4_3, conv5_3 of VGG-16), c5 is pool5. */
export function vggFeatures({ convolutions, widths, norm, hidden = 1 }: VggDescription): FeatureInfo[] {
  if (convolutions.length !== 5) throw unexpected('convolutions', 'counts of 5 stages', convolutions)
  if (widths.length !== 5) throw unexpected('widths', 'channels of 5 stages', widths)
  for (const count of convolutions) checkCount('convolutions of a stage', count)
  for (const width of widths) checkCount('the width of a stage', width)
  checkCount('hidden', hidden)
  if (norm) checkNorm(norm)
  return [2, 3, 4, 5].map((number) => level('c', number, widths[Math.min(number, 4)] as number))
}

/** The network from `image` up to `lastLevel`: the maps of all levels on the way, by name. */
export function vggNetwork(
  layers: LayerBuilder,
  { convolutions, widths, norm, poolRounding }: VggDescription,
  image: Value,
  lastLevel: string,
): Map<string, Value> {
  const maps = new Map<string, Value>()
  // A row more at the end gives the sizes of ceil_mode, which not every device has.
  const pool = { kernel: 2, stride: 2, pads: poolRounding === 'ceil' ? ([0, 0, 1, 1] as const) : 0 }
  let x = image
  for (const [stage, count] of convolutions.entries()) {
    if (stage > 0) x = layers.graph.maxPool(x, pool)
    for (let i = 1; i <= count; i++) {
      const name = `backbone.conv${stage + 1}_${i}`
      x = layers.convRelu(x, name, widths[stage] as number, { kernel: 3, bias: true, ...(norm && { norm }) })
    }
    if (stage >= 2) maps.set(`c${stage}`, x)
    if (maps.has(lastLevel)) return maps
  }
  return maps.set('c5', layers.graph.maxPool(x, pool))
}
