import { checkChoice, checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { Pads, Value } from '../onnx/graph.ts'
import { type FeatureInfo, level } from './feature.ts'
import { checkNorm, type LayerBuilder } from './layers.ts'
import type { ResidualDescription } from './residual-description.ts'
import { bareConv, residualUnit } from './residual-unit.ts'

/** The levels of the network, finest first. */
export function residualFeatures(description: ResidualDescription): FeatureInfo[] {
  check(description)
  const { stages, dilatedLast } = description
  return stages.map((_, stage) => {
    const feature = level('c', levelOf(description, stage), levelChannels(description, stage))
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
    const name = `c${levelOf(description, stage)}`
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

const STEM_PADS: Readonly<Record<ResidualDescription['stemPool'], Pads>> = {
  symmetric: 1,
  end: [0, 0, 1, 1],
  same: 'same',
}

function stem(layers: LayerBuilder, description: ResidualDescription, image: Value): Value {
  const { variant, width, stemPool } = description
  const isLarge = description.stem !== '3x3'
  const size = isLarge ? { kernel: 7, stride: 2 } : { kernel: 3 }
  const x = layers.conv(image, 'backbone.conv1', width, { ...size, ...bareConv(description) })
  const y = variant === 'v2' ? x : layers.graph.relu(x)
  return isLarge ? layers.graph.maxPool(y, { kernel: 3, stride: 2, pads: STEM_PADS[stemPool] }) : y
}

function activated(layers: LayerBuilder, description: ResidualDescription, stage: number, x: Value): Value {
  const { variant, stages, strideIn, norm } = description
  if (variant !== 'v2') return x
  const name = `c${levelOf(description, stage)}`
  const isLast = stage === stages.length - 1
  if (isLast || description.preactLevels?.includes(name)) return layers.preact(x, `fpn.${name}.preact`, norm)
  const reader = strideIn === 'last-unit' ? unitName(stage, stages[stage] ?? 1) : unitName(stage + 1, 1)
  return layers.preact(x, `${reader}.preact`, norm)
}

function unitName(stage: number, unit: number): string {
  return `backbone.block${stage + 1}.unit${unit}`
}

/** The number of the level that a stage gives: the log2 of its stride. */
function levelOf({ stem }: ResidualDescription, stage: number): number {
  return stem === '3x3' ? stage : stage + 2
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
  const { stem = '7x7', shortcut = 'B', bareBias } = description
  checkChoice('unit', unit, ['basic', 'bottleneck'])
  checkChoice('variant', variant, ['v1', 'v1.5', 'v2'])
  checkChoice('strideIn', strideIn, ['first-unit', 'last-unit'])
  checkChoice('stem', stem, ['7x7', '3x3'])
  checkChoice('stemPool', stemPool, Object.keys(STEM_PADS))
  checkChoice('shortcut', shortcut, ['A', 'B', 'C', 'none'])
  checkNorm(norm)
  checkCount('width', width)
  if (groups) checkGroups(unit, groups)
  if (dilatedLast && (variant === 'v2' || strideIn === 'last-unit' || stages.length < 2)) {
    throw unexpected('dilatedLast', 'false unless the network is v1 or v1.5 with two or more stages', dilatedLast)
  }
  if (stages.length < 1 || stages.length > 8) throw unexpected('stages', '1 to 8 stages', stages)
  for (const units of stages) checkCount('units of a stage', units)
  if (preactLevels && variant !== 'v2') throw unexpected('preactLevels', 'none unless the variant is v2', preactLevels)
  if (bareBias !== undefined && variant !== 'v2')
    throw unexpected('bareBias', 'none unless the variant is v2', bareBias)
  for (const name of preactLevels ?? []) {
    checkChoice(
      'preactLevels',
      name,
      stages.map((_, stage) => `c${levelOf(description, stage)}`),
    )
  }
}

function checkGroups(unit: ResidualDescription['unit'], { count, width }: { count: number; width: number }): void {
  checkCount('groups.count', count)
  checkCount('groups.width', width)
  if (unit !== 'bottleneck') throw unexpected('groups', 'none unless the unit is a bottleneck', unit)
}
