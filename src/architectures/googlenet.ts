import { checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import { int } from '../onnx/attributes.ts'
import type { Value } from '../onnx/graph.ts'
import { type FeatureInfo, level } from './feature.ts'
import { checkNorm, type LayerBuilder, type Norm } from './layers.ts'

/** Channels of a module's convolutions: the 1x1, the two reductions with what they feed, and the one after the pool. */
export type InceptionWidths = readonly [
  conv1: number,
  reduce3: number,
  conv3: number,
  reduce5: number,
  conv5: number,
  project: number,
]

/**
 * GoogLeNet (Szegedy et al. 2015, arXiv:1409.4842) as torchvision has it: batch norm instead of local response normalisation,
 * and 3x3 kernels in the branch that has 5x5 in the paper. Its weights are `backbone.conv1`, `conv2`, `conv3` and
 * `backbone.inception<stage><module>.{conv1,reduce3,conv3,reduce5,conv5,project}`, each `.weight` and, by {@link Norm}, `.bn.*`
 * or `.bias`; as a classifier also `classifier.{weight,bias}`. The auxiliary classifiers of training are left out.
 */
export interface GooglenetDescription {
  readonly family: 'googlenet'
  /** Channels of the three convolutions in front. */
  readonly stem: readonly number[]
  /** The modules of the stages 3, 4 and 5. */
  readonly stages: readonly (readonly InceptionWidths[])[]
  readonly norm: Norm
}

const STAGES: GooglenetDescription['stages'] = [
  [
    [64, 96, 128, 16, 32, 32],
    [128, 128, 192, 32, 96, 64],
  ],
  [
    [192, 96, 208, 16, 48, 64],
    [160, 112, 224, 24, 64, 64],
    [128, 128, 256, 24, 64, 64],
    [112, 144, 288, 32, 64, 64],
    [256, 160, 320, 32, 128, 128],
  ],
  [
    [256, 160, 320, 32, 128, 128],
    [384, 192, 384, 48, 128, 128],
  ],
]

/**
 * GoogLeNet with the channels of the paper's table 1 and torchvision's batch norm of epsilon 1e-3. `changes` replaces any field.
 *
 * @example
 * const features = backboneFeatures(googlenet())   // c2 192, c3 480, c4 832, c5 1024
 */
export function googlenet(changes: Partial<GooglenetDescription> = {}): GooglenetDescription {
  const norm = { kind: 'batch', epsilon: 1e-3 } as const
  return { family: 'googlenet', stem: [64, 64, 192], stages: STAGES, norm, ...changes }
}

/** c2 is conv3, c3 to c5 are the outputs of the stages. */
export function googlenetFeatures({ stem, stages, norm }: GooglenetDescription): FeatureInfo[] {
  if (stem.length !== 3) throw unexpected('stem', 'channels of 3 convolutions', stem)
  if (stages.length !== 3 || stages.some((modules) => modules.length < 1 || modules.length > 26)) {
    throw unexpected('stages', '3 stages of 1 to 26 modules', stages)
  }
  for (const widths of stages.flat()) {
    if (widths.length !== 6) throw unexpected('a module', 'channels of 6 convolutions', widths)
  }
  for (const width of [...stem, ...stages.flat(2)]) checkCount('the width of a convolution', width)
  checkNorm(norm)
  return [stem.at(-1) ?? 0, ...stages.map(moduleOutputs)].map((channels, i) => level('c', i + 2, channels))
}

/** The network from `image` up to `lastLevel`: the maps of all levels on the way, by name. */
export function googlenetNetwork(
  layers: LayerBuilder,
  { stem, stages, norm }: GooglenetDescription,
  image: Value,
  lastLevel: string,
): Map<string, Value> {
  const [first = 0, second = 0, third = 0] = stem
  let x = layers.convRelu(image, 'backbone.conv1', first, { kernel: 7, stride: 2, norm })
  x = layers.convRelu(halved(layers, x, 3), 'backbone.conv2', second, { kernel: 1, norm })
  x = layers.convRelu(x, 'backbone.conv3', third, { kernel: 3, norm })
  const maps = new Map([['c2', x]])
  for (const [stage, modules] of stages.entries()) {
    if (maps.has(lastLevel)) break
    x = halved(layers, x, stage === 2 ? 2 : 3)
    for (const [i, widths] of modules.entries()) {
      x = inception(layers, x, `backbone.inception${stage + 3}${String.fromCharCode(97 + i)}`, widths, norm)
    }
    maps.set(`c${stage + 3}`, x)
  }
  return maps
}

/** Max-pool of stride 2 that keeps the last cells; padding at the end is what ceil mode gives. */
function halved(layers: LayerBuilder, x: Value, kernel: 2 | 3): Value {
  return layers.graph.maxPool(x, { kernel, stride: 2, pads: [0, 0, 1, 1] })
}

function inception(layers: LayerBuilder, x: Value, name: string, widths: InceptionWidths, norm: Norm): Value {
  const [conv1, reduce3, conv3, reduce5, conv5, project] = widths
  const conv = (input: Value, part: string, outputs: number, kernel: number): Value =>
    layers.convRelu(input, `${name}.${part}`, outputs, { kernel, norm })
  const branches = [
    conv(x, 'conv1', conv1, 1),
    conv(conv(x, 'reduce3', reduce3, 1), 'conv3', conv3, 3),
    conv(conv(x, 'reduce5', reduce5, 1), 'conv5', conv5, 3),
    conv(layers.graph.maxPool(x, { kernel: 3, pads: 1 }), 'project', project, 1),
  ]
  return layers.graph.op('Concat', branches, { name, attributes: { axis: int(1) } })
}

function moduleOutputs(modules: readonly InceptionWidths[]): number {
  const [conv1, , conv3, , conv5, project] = modules.at(-1) ?? [0, 0, 0, 0, 0, 0]
  return conv1 + conv3 + conv5 + project
}
