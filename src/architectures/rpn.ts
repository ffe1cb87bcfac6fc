import { checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { Dim, Model } from '../onnx/model.ts'
import type { Weights } from '../weights/weights.ts'
import { type FeatureInfo, levelNumber } from './feature.ts'
import { type PyramidDescription, pyramidFeatures, pyramidNetwork } from './fpn.ts'
import { LayerBuilder } from './layers.ts'

/**
 * A region proposal network (Ren et al. 2015, arXiv:1506.01497), over a pyramid or straight on backbone levels. Its
 * weights `rpn.{conv,objectness,deltas}` are shared by all levels; further 3x3 convolutions are `rpn.conv2` and so on.
 */
export interface RpnDescription {
  /** The backbone levels it reads, finest first. */
  readonly levels: readonly FeatureInfo[]
  /** Left out in the C4 and DC5 forms, which propose on the backbone's own map. */
  readonly pyramid?: PyramidDescription
  /** Channels of the 3x3 convolution. */
  readonly channels: number
  /** 3x3 convolutions before the two predictors; default 1. */
  readonly convolutions?: number | undefined
  /** Anchors per cell (A). */
  readonly anchors: number
}

/**
 * The levels it proposes on, finest first: the pyramid's (p3 …), or the backbone's own.
 *
 * @throws VertebraError `INVALID_ARGUMENT` without levels, for levels that make no pyramid (see {@link pyramidFeatures}), or without
 * one for levels of different channels
 * @example
 * const levels = backboneFeatures(resnet(50)).slice(2, 3)
 * const features = rpnFeatures({ levels, channels: 512, anchors: 15 })   // c4 1024
 */
export function rpnFeatures({ levels, pyramid }: RpnDescription): readonly FeatureInfo[] {
  if (levels.length === 0) throw unexpected('levels of the RPN', 'at least one level', levels)
  if (pyramid) return pyramidFeatures(levels, pyramid)
  if (levels.some(({ channels }) => channels !== levels[0]?.channels)) {
    throw unexpected(
      'levels of an RPN without pyramid',
      'levels of equal channels',
      levels.map((l) => l.channels),
    )
  }
  return levels
}

/**
 * The graph `rpn`: inputs the backbone levels [N, C, h, w]; outputs, for each level of {@link rpnFeatures}, the map itself
 * where it is a pyramid's (`p3` … `p6`), `objectness_<level>` [N, A, h, w] (logits) and `deltas_<level>` [N, 4A, h, w]
 * (channel a * 4 + {dx, dy, dw, dh}). N and all sizes are free.
 *
 * @throws VertebraError `INVALID_ARGUMENT`, or `WEIGHTS_INVALID` for a tensor that is missing or does not fit
 * @example
 * const levels = backboneFeatures(resnet(50)).slice(1)
 * const model = buildRpn({ levels, pyramid: { channels: 256, extraLevel: true }, channels: 256, anchors: 3 }, weights)
 */
export function buildRpn(description: RpnDescription, weights: Weights): Model {
  const { levels, pyramid, channels, convolutions = 1, anchors } = description
  rpnFeatures(description)
  checkCount('RPN channels', channels)
  checkCount('RPN convolutions', convolutions)
  checkCount('anchors per cell', anchors)
  const layers = new LayerBuilder('rpn', weights)
  const { graph } = layers
  const inputs = new Map(levels.map((input) => [input.name, graph.input(input.name, 'float32', mapDims(input))]))
  const maps = pyramid ? pyramidNetwork(layers, inputs, pyramid) : inputs
  if (pyramid) for (const [name, x] of maps) graph.output(x, name)
  for (const [name, x] of maps) {
    let hidden = x
    for (let i = 1; i <= convolutions; i++) {
      hidden = graph.relu(layers.conv(hidden, i === 1 ? 'rpn.conv' : `rpn.conv${i}`, channels, { kernel: 3 }))
    }
    graph.output(layers.conv(hidden, 'rpn.objectness', anchors, { kernel: 1 }), `objectness_${name}`)
    graph.output(layers.conv(hidden, 'rpn.deltas', anchors * 4, { kernel: 1 }), `deltas_${name}`)
  }
  return graph.build()
}

/** [N, channels, H3, W3] for level c3: sizes of different levels are free independently. */
function mapDims({ name, channels }: FeatureInfo): Dim[] {
  const number = levelNumber(name)
  return ['N', channels, `H${number}`, `W${number}`]
}
