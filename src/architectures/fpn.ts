import { checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { Value } from '../onnx/graph.ts'
import { type FeatureInfo, level, levelNumber } from './feature.ts'
import type { LayerBuilder, Norm } from './layers.ts'

/**
 * A feature pyramid (Lin et al. 2017, arXiv:1612.03144) over backbone levels: `fpn.lateral<n>` 1x1, the coarser level
 * repeated to the lateral's exact size and added, `fpn.output<n>` 3x3.
 */
export interface PyramidDescription {
  /** Channels of every level. */
  readonly channels: number
  /** One more level on top: every second cell of the coarsest (p6 over p5). */
  readonly extraLevel: boolean
  /** Normalisation of every convolution, without activation (torchvision's v2); default: none, they have biases. */
  readonly norm?: Norm | undefined
}

/**
 * The pyramid's levels over these backbone levels, which must follow each other: c3, c4, c5 gives p3 to p5 or p6.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for levels with gaps or in another order, or channels that are no whole number from 1
 * @example
 * const levels = pyramidFeatures(backboneFeatures(resnet(50)), { channels: 256, extraLevel: true })   // p2 to p6, 256 each
 */
export function pyramidFeatures(inputs: readonly FeatureInfo[], pyramid: PyramidDescription): FeatureInfo[] {
  checkCount('pyramid channels', pyramid.channels)
  const numbers = inputs.map(({ name }) => levelNumber(name))
  if (numbers.some((number, i) => number !== (numbers[0] ?? 0) + i)) {
    throw unexpected(
      'levels of a pyramid',
      'backbone levels that follow each other, finest first',
      inputs.map((i) => i.name),
    )
  }
  const top = numbers.at(-1)
  if (top !== undefined && pyramid.extraLevel) numbers.push(top + 1)
  return numbers.map((number) => level('p', number, pyramid.channels))
}

/** The pyramid's maps by name, finest first, from the backbone's, finest first. */
export function pyramidNetwork(
  layers: LayerBuilder,
  inputs: ReadonlyMap<string, Value>,
  { channels, extraLevel, norm }: PyramidDescription,
): Map<string, Value> {
  const { graph } = layers
  const ending = norm ? { norm } : {}
  const maps: [string, Value][] = []
  let above: Value | undefined
  for (const [name, x] of [...inputs].reverse()) {
    const number = levelNumber(name)
    const lateral = layers.conv(x, `fpn.lateral${number}`, channels, { kernel: 1, ...ending })
    above = above ? graph.add(lateral, graph.resizeNearestTo(above, lateral)) : lateral
    const output = layers.conv(above, `fpn.output${number}`, channels, { kernel: 3, ...ending })
    if (maps.length === 0 && extraLevel) maps.push([`p${number + 1}`, graph.maxPool(output, { kernel: 1, stride: 2 })])
    maps.push([`p${number}`, output])
  }
  return new Map(maps.reverse())
}
