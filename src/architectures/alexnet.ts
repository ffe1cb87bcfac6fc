import { checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { Value } from '../onnx/graph.ts'
import { type FeatureInfo, level } from './feature.ts'
import type { LayerBuilder } from './layers.ts'

/**
 * AlexNet in its one-column form (Krizhevsky 2014, arXiv:1404.5997), as torchvision has it: no groups and no local response
 * normalisation, unlike the network of 2012. Its weights are `backbone.conv1` to `conv5`, as a classifier also
 * `classifier.{fc6,fc7,fc8}`, each `.weight` and `.bias`.
 */
export interface AlexnetDescription {
  readonly family: 'alexnet'
  /** Channels of the five convolutions. */
  readonly widths: readonly number[]
  /** Channels of fc6 and fc7 of the classifier. */
  readonly hidden: number
}

/**
 * AlexNet with 64, 192, 384, 256 and 256 channels, fc6 and fc7 of 4096. `changes` replaces any field.
 *
 * @example
 * const features = backboneFeatures(alexnet())   // c2 64, c3 192, c4 256, c5 256
 */
export function alexnet(changes: Partial<AlexnetDescription> = {}): AlexnetDescription {
  return { family: 'alexnet', widths: [64, 192, 384, 256, 256], hidden: 4096, ...changes }
}

/**
 * c2, c3 and c4 are the last maps before the pools (conv1, conv2, conv5), c5 is pool5. The maps lose a border on the way:
 * 224 pixels give 55, 27, 13 and 6 cells.
 */
export function alexnetFeatures({ widths, hidden }: AlexnetDescription): FeatureInfo[] {
  if (widths.length !== 5) throw unexpected('widths', 'channels of 5 convolutions', widths)
  for (const width of widths) checkCount('the width of a convolution', width)
  checkCount('hidden', hidden)
  return [0, 1, 4, 4].map((layer, i) => level('c', i + 2, widths[layer] as number))
}

/** The network from `image` up to `lastLevel`: the maps of all levels on the way, by name. */
export function alexnetNetwork(
  layers: LayerBuilder,
  { widths }: AlexnetDescription,
  image: Value,
  lastLevel: string,
): Map<string, Value> {
  const maps = new Map<string, Value>()
  const conv = (x: Value, number: number): Value => {
    const window = number === 1 ? { kernel: 11, stride: 4, pads: 2 } : { kernel: number === 2 ? 5 : 3 }
    return layers.convRelu(x, `backbone.conv${number}`, widths[number - 1] as number, window)
  }
  const pool = (x: Value): Value => layers.graph.maxPool(x, { kernel: 3, stride: 2 })
  maps.set('c2', conv(image, 1))
  for (const [name, above, first, last] of [
    ['c3', 'c2', 2, 2],
    ['c4', 'c3', 3, 5],
  ] as const) {
    if (maps.has(lastLevel)) return maps
    let x = pool(maps.get(above) ?? image)
    for (let number: number = first; number <= last; number++) x = conv(x, number)
    maps.set(name, x)
  }
  return maps.has(lastLevel) ? maps : maps.set('c5', pool(maps.get('c4') ?? image))
}
