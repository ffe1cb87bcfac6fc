import { unexpected } from '../errors.ts'
import type { Value } from '../onnx/graph.ts'
import { checkChoice, checkCount, type FeatureInfo, level } from './feature.ts'
import { channelsOf, type LayerBuilder, type Norm } from './layers.ts'

/**
 * A residual network (He et al. 2016, arXiv:1512.03385; pre-activation: arXiv:1603.05027).
 *
 * Its weights are `backbone.conv1` (the stem) and, for stage s and unit i from 1,
 * `backbone.block<s>.unit<i>.{conv1,conv2[,conv3],shortcut}`, each with `.weight` and, by {@link Norm}, `.bn.*` or
 * `.bias`. A v2 network has `….preact` in front of a unit, and `.bias` instead of `.bn.*` on its stem, its shortcuts and
 * the last convolution of a unit.
 */
export interface ResidualDescription {
  readonly family: 'residual'
  /** `basic`: 3x3, 3x3 (depths 18 and 34). `bottleneck`: 1x1, 3x3, 1x1 with four times the width (50 and up). */
  readonly unit: 'basic' | 'bottleneck'
  /** `v1`: the stride is on a bottleneck's first 1x1. `v1.5`: on its 3x3. `v2`: pre-activation, on the 3x3. */
  readonly variant: 'v1' | 'v1.5' | 'v2'
  /** Units of each stage; stage i gives level c<i + 2>. */
  readonly stages: readonly number[]
  /** Channels of the stem and of the first stage's convolutions; each stage doubles them. */
  readonly width: number
  /**
   * ResNeXt (Xie et al. 2017, arXiv:1611.05431): the 3x3 of a bottleneck works in `count` groups, of `width` channels each
   * in the first stage; each stage doubles them. Default: one group of the unit's own width.
   */
  readonly groups?: { readonly count: number; readonly width: number } | undefined
  /** The last stage keeps the size of the map and spreads its 3x3 by 2 instead (Detectron2's DC5). v1 and v1.5 only. */
  readonly dilatedLast?: boolean | undefined
  /**
   * The unit of a stage that halves the map. `first-unit`: of every stage but the first, so a level is the stage's
   * output. `last-unit` (TF-slim): of every stage but the last, so a level is the input of that unit.
   */
  readonly strideIn: 'first-unit' | 'last-unit'
  /** Padding of the stem's 3x3 max-pool: 1 on all sides, or (TensorFlow's SAME on even sizes) right and bottom only. */
  readonly stemPool: 'symmetric' | 'end'
  readonly norm: Norm
  /**
   * v2 only: the levels that are activated by a pair of their own, `fpn.<level>.preact`. The others share the `preact`
   * of the unit that reads the same map. Default: only the last level, which no unit reads.
   */
  readonly preactLevels?: readonly string[]
}

/** The levels of the network, finest first. */
export function residualFeatures(description: ResidualDescription): FeatureInfo[] {
  check(description)
  const { stages, dilatedLast } = description
  return stages.map((_, stage) => {
    const feature = level('c', stage + 2, levelChannels(description, stage))
    return dilatedLast && stage === stages.length - 1 ? { ...feature, stride: feature.stride / 2 } : feature
  })
}

/** The network from `image` up to the last of the wanted levels: the maps of all levels on the way, by name. */
export function residualNetwork(
  layers: LayerBuilder,
  description: ResidualDescription,
  image: Value,
  lastLevel: string,
): Map<string, Value> {
  const { stages, strideIn } = description
  const maps = new Map<string, Value>()
  let x = stem(layers, description, image)
  for (const [stage, units] of stages.entries()) {
    const { name } = level('c', stage + 2, 0)
    const isLate = strideIn === 'last-unit' && stage < stages.length - 1
    const unitsBefore = isLate ? units - 1 : units
    x = residualUnits(layers, description, { stage, first: 1, last: unitsBefore }, x)
    maps.set(name, activated(layers, description, stage, x))
    if (name === lastLevel) break
    x = residualUnits(layers, description, { stage, first: unitsBefore + 1, last: units }, x)
  }
  return maps
}

/** Units `first` to `last` (from 1) of a stage (from 0). */
export function residualUnits(
  layers: LayerBuilder,
  description: ResidualDescription,
  { stage, first, last }: { stage: number; first: number; last: number },
  input: Value,
): Value {
  const { stages, strideIn, width, groups, dilatedLast } = description
  const isDilated = dilatedLast === true && stage === stages.length - 1
  let x = input
  for (let unit = first; unit <= last; unit++) {
    const halves =
      strideIn === 'first-unit' ? unit === 1 && stage > 0 : unit === stages[stage] && stage < stages.length - 1
    x = residualUnit(layers, description, unitName(stage, unit), x, {
      width: width * 2 ** stage,
      innerWidth: (groups ? groups.count * groups.width : width) * 2 ** stage,
      stride: halves && !isDilated ? 2 : 1,
      dilation: isDilated ? 2 : 1,
    })
  }
  return x
}

interface UnitSizes {
  readonly width: number
  /** Channels of a bottleneck's first two convolutions. */
  readonly innerWidth: number
  readonly stride: number
  readonly dilation: number
}

function residualUnit(
  layers: LayerBuilder,
  { unit, variant, norm, groups }: ResidualDescription,
  name: string,
  x: Value,
  { width, innerWidth, stride, dilation }: UnitSizes,
): Value {
  const { graph } = layers
  const isV2 = variant === 'v2'
  const outputs = unit === 'bottleneck' ? width * 4 : width
  // What ends a unit, and its shortcut, is followed by a normalisation in v1 and by the sum itself in v2.
  const ending = isV2 ? {} : { norm }
  const entry = isV2 ? layers.preact(x, `${name}.preact`, norm) : x
  const identity =
    channelsOf(x) === outputs
      ? subsample(layers, x, stride)
      : layers.conv(entry, `${name}.shortcut`, outputs, { kernel: 1, stride, ...ending })
  let y = entry
  if (unit === 'bottleneck') {
    const [first, second] = variant === 'v1' ? [stride, 1] : [1, stride]
    const group = groups?.count ?? 1
    y = graph.relu(layers.conv(y, `${name}.conv1`, innerWidth, { kernel: 1, stride: first, norm }))
    y = graph.relu(layers.conv(y, `${name}.conv2`, innerWidth, { kernel: 3, stride: second, dilation, group, norm }))
    y = layers.conv(y, `${name}.conv3`, outputs, { kernel: 1, ...ending })
  } else {
    y = graph.relu(layers.conv(y, `${name}.conv1`, width, { kernel: 3, stride, dilation, norm }))
    y = layers.conv(y, `${name}.conv2`, outputs, { kernel: 3, dilation, ...ending })
  }
  // Named by the unit, so that the raw map can be found in the graph.
  const sum = graph.op('Add', [identity, y], { name: isV2 ? name : `${name}.sum` })
  return isV2 ? sum : graph.op('Relu', [sum], { name })
}

/** Every second cell, as TF-slim takes it: x[::2, ::2]. */
function subsample(layers: LayerBuilder, x: Value, stride: number): Value {
  return stride === 1 ? x : layers.graph.maxPool(x, { kernel: 1, stride })
}

function stem(layers: LayerBuilder, { variant, width, norm, stemPool }: ResidualDescription, image: Value): Value {
  const ending = variant === 'v2' ? {} : { norm }
  const x = layers.conv(image, 'backbone.conv1', width, { kernel: 7, stride: 2, ...ending })
  const activated = variant === 'v2' ? x : layers.graph.relu(x)
  return layers.graph.maxPool(activated, { kernel: 3, stride: 2, pads: stemPool === 'end' ? [0, 0, 1, 1] : 1 })
}

function activated(layers: LayerBuilder, description: ResidualDescription, stage: number, x: Value): Value {
  const { variant, stages, strideIn, norm } = description
  if (variant !== 'v2') return x
  const { name } = level('c', stage + 2, 0)
  const isLast = stage === stages.length - 1
  if (isLast || description.preactLevels?.includes(name)) return layers.preact(x, `fpn.${name}.preact`, norm)
  const reader = strideIn === 'last-unit' ? unitName(stage, stages[stage] ?? 1) : unitName(stage + 1, 1)
  return layers.preact(x, `${reader}.preact`, norm)
}

function unitName(stage: number, unit: number): string {
  return `backbone.block${stage + 1}.unit${unit}`
}

function levelChannels(description: ResidualDescription, stage: number): number {
  const { unit, stages, width, strideIn } = description
  const outputs = (s: number): number => width * 2 ** s * (unit === 'bottleneck' ? 4 : 1)
  const isInputOfStage = strideIn === 'last-unit' && stage < stages.length - 1 && stages[stage] === 1
  if (!isInputOfStage) return outputs(stage)
  return stage === 0 ? width : outputs(stage - 1)
}

function check(description: ResidualDescription): void {
  const { unit, variant, stages, width, groups, dilatedLast, strideIn, stemPool, norm, preactLevels } = description
  checkChoice('unit', unit, ['basic', 'bottleneck'])
  checkChoice('variant', variant, ['v1', 'v1.5', 'v2'])
  checkChoice('strideIn', strideIn, ['first-unit', 'last-unit'])
  checkChoice('stemPool', stemPool, ['symmetric', 'end'])
  checkChoice('norm.kind', norm.kind, ['batch', 'folded'])
  if (norm.kind === 'batch' && !(norm.epsilon >= 0 && norm.epsilon < 1)) {
    throw unexpected('norm.epsilon', 'a number from 0 to below 1', norm.epsilon)
  }
  checkCount('width', width)
  if (groups) checkGroups(unit, groups)
  if (dilatedLast && (variant === 'v2' || strideIn === 'last-unit' || stages.length < 2)) {
    throw unexpected('dilatedLast', 'false unless the network is v1 or v1.5 with two or more stages', dilatedLast)
  }
  if (stages.length < 1 || stages.length > 8) throw unexpected('stages', '1 to 8 stages', stages)
  for (const units of stages) checkCount('units of a stage', units)
  if (preactLevels && variant !== 'v2') throw unexpected('preactLevels', 'none unless the variant is v2', preactLevels)
  for (const name of preactLevels ?? []) {
    checkChoice(
      'preactLevels',
      name,
      stages.map((_, stage) => `c${stage + 2}`),
    )
  }
}

function checkGroups(unit: ResidualDescription['unit'], { count, width }: { count: number; width: number }): void {
  checkCount('groups.count', count)
  checkCount('groups.width', width)
  if (unit !== 'bottleneck') throw unexpected('groups', 'none unless the unit is a bottleneck', unit)
}
