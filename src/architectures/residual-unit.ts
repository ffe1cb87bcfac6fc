import type { Value } from '../onnx/graph.ts'
import { type ConvLayer, channelsOf, type LayerBuilder } from './layers.ts'
import type { ResidualDescription } from './residual-description.ts'

export interface UnitSizes {
  /** Channels of a basic unit, a quarter of a bottleneck's. */
  readonly width: number
  /** Channels of a bottleneck's first two convolutions. */
  readonly innerWidth: number
  readonly stride: number
  readonly dilation: number
}

/**
 * One residual unit with the weights `<name>.…`: y = shortcut(x) + f(x), in v1 and v1.5 with a ReLU after the sum. Its last
 * node, the unit's output, has the name of the unit.
 */
export function residualUnit(
  layers: LayerBuilder,
  description: ResidualDescription,
  name: string,
  x: Value,
  sizes: UnitSizes,
): Value {
  const { graph } = layers
  const { unit, variant, norm, groups, shortcut } = description
  const { width, innerWidth, stride, dilation } = sizes
  const isV2 = variant === 'v2'
  const outputs = unit === 'bottleneck' ? width * 4 : width
  const last = bareConv(description)
  const entry = isV2 ? layers.preact(x, `${name}.preact`, norm) : x
  const identity =
    shortcut === 'none' ? undefined : shortcutOf(layers, description, name, { x, entry, outputs, stride })
  let y = entry
  if (unit === 'bottleneck') {
    const [first, second] = variant === 'v1' ? [stride, 1] : [1, stride]
    const group = groups?.count ?? 1
    y = layers.convRelu(y, `${name}.conv1`, innerWidth, { kernel: 1, stride: first, norm })
    y = layers.convRelu(y, `${name}.conv2`, innerWidth, { kernel: 3, stride: second, dilation, group, norm })
    y = layers.conv(y, `${name}.conv3`, outputs, { kernel: 1, ...last })
  } else {
    y = layers.convRelu(y, `${name}.conv1`, width, { kernel: 3, stride, dilation, norm })
    y = layers.conv(y, `${name}.conv2`, outputs, { kernel: 3, dilation, ...last })
  }
  // Named by the unit, so that the raw map can be found in the graph.
  const sum = identity ? graph.op('Add', [identity, y], { name: isV2 ? name : `${name}.sum` }) : y
  return isV2 ? sum : graph.op('Relu', [sum], { name })
}

interface Ends {
  readonly x: Value
  /** What the unit's first convolution reads: `x`, in v2 activated. */
  readonly entry: Value
  readonly outputs: number
  readonly stride: number
}

function shortcutOf(
  layers: LayerBuilder,
  description: ResidualDescription,
  name: string,
  { x, entry, outputs, stride }: Ends,
): Value {
  const { shortcut = 'B' } = description
  const isProjected = shortcut === 'C' || (shortcut === 'B' && channelsOf(x) !== outputs)
  if (!isProjected) return layers.padChannels(subsample(layers, x, stride), `${name}.shortcut`, outputs)
  return layers.conv(entry, `${name}.shortcut`, outputs, { kernel: 1, stride, ...bareConv(description) })
}

/** What ends a unit, its shortcut and the stem: a normalisation in v1; nothing of that kind in v2. */
export function bareConv({ variant, norm, bareBias = true }: ResidualDescription): Pick<ConvLayer, 'norm' | 'bias'> {
  return variant === 'v2' ? { bias: bareBias } : { norm }
}

/** Every second cell, as TF-slim takes it: x[::2, ::2]. */
function subsample(layers: LayerBuilder, x: Value, stride: number): Value {
  return stride === 1 ? x : layers.graph.maxPool(x, { kernel: 1, stride })
}
