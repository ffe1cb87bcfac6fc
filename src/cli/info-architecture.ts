import { nearNames } from '../architectures/near-names.ts'
import type { OutlineLayer } from '../architectures/outline.ts'
import { ARCHITECTURES, type Architecture, findArchitecture } from '../architectures/registry.ts'
import { type ArchitectureSummary, type StageSummary, summarizeArchitecture } from '../architectures/summary.ts'
import { VertebraError } from '../errors.ts'
import { locateModel } from '../models/locate.node.ts'
import type { ModelFiles } from '../models/model-files.ts'
import { textTable } from './text-table.ts'

/**
 * The model or, where none of that name is installed, the architecture that a name stands for.
 * @throws VertebraError as `locateModel`, with the architectures that have a name like it
 */
export async function locateModelOrArchitecture(name: string): Promise<ModelFiles | Architecture> {
  try {
    return await locateModel(name)
  } catch (error) {
    if (!(error instanceof VertebraError) || error.code !== 'MODEL_NOT_FOUND') throw error
    const architecture = findArchitecture(name)
    if (architecture) return architecture
    const names = ARCHITECTURES.map((each) => each.name)
    const near = nearNames(name, names)
    if (near.length === 0) throw error
    const message = `${error.message} Architectures of a like name are ${near.join(', ')}.`
    throw new VertebraError(error.code, message, { value: name, cause: error })
  }
}

/** What `vertebra info` prints of an architecture. */
export function architectureText(
  { name, title, classes, inputSize, source }: Architecture,
  { input, stages, features, hasClassifier, parameters, multiplyAdds }: ArchitectureSummary,
): string {
  const rows = stages.map((stage) => [
    stage.name,
    unitsText(stage),
    stage.units.flatMap(({ levels }) => levels).join(' '),
    stage.output.join(' x '),
    stage.stride === undefined ? '' : String(stage.stride),
    stage.receptiveField === undefined ? 'all' : String(stage.receptiveField),
    grouped(stage.parameters),
    millions(stage.multiplyAdds),
  ])
  const head = ['stage', 'units', 'level', 'output', 'stride', 'field', 'parameters', 'multiply-adds']
  const total = ['together', '', '', '', '', '', grouped(parameters), millions(multiplyAdds)]
  const channels = features.map((feature) => `${feature.name} ${feature.channels}`).join(', ')
  return [
    `${name}: ${title} (${source})\n`,
    `  A picture of ${input.width} x ${input.height}${hasClassifier ? `, ${classes} classes` : ''}; `,
    `output: channels x height x width, field: pixels that a cell sees along one side.\n`,
    hasClassifier ? '' : `  Without the classifier, which takes ${inputSize} x ${inputSize} only.\n`,
    '\n',
    textTable([head, ...rows, total], { left: [0, 1, 2] }),
    `\n  Feature maps: ${channels}\n`,
  ].join('')
}

/** One line of the list of architectures. */
export interface ArchitectureCosts extends Omit<Architecture, 'description'> {
  readonly parameters: number
  readonly multiplyAdds: number
}

/** Every architecture with what it costs for a picture of its own size. */
export function architectureCosts(): ArchitectureCosts[] {
  return ARCHITECTURES.map((architecture) => {
    const { description: _, ...rest } = architecture
    const { parameters, multiplyAdds } = summarizeArchitecture(architecture)
    return { ...rest, parameters, multiplyAdds }
  })
}

/** What `vertebra info --list` prints. */
export function listText(costs: readonly ArchitectureCosts[]): string {
  const rows = costs.map(({ name, title, inputSize, parameters, multiplyAdds }) => [
    name,
    title,
    `${inputSize} x ${inputSize}`,
    grouped(parameters),
    millions(multiplyAdds),
  ])
  return textTable([['name', 'network', 'picture', 'parameters', 'multiply-adds'], ...rows], { left: [0, 1] })
}

/** `3 x (1x1 64, 3x3 64, 1x1 256)`; the stride of a first unit is seen in the output. */
function unitsText({ units }: StageSummary): string {
  const branches = units[0]?.branches.length ?? 0
  if (branches > 1) return `${units.length} modules of ${branches} branches`
  const texts = units.map((unit) => (unit.branches[0] ?? []).map(layerText).join(', '))
  const [first = ''] = texts
  if (units.length === 1) return first
  if (texts.some((text) => text !== first)) return texts.join(', ')
  return `${units.length} x ${first.includes(',') ? `(${first})` : first}`
}

function layerText({ kind, kernel, channels, groups }: OutlineLayer): string {
  if (kind === 'fc') return `fc ${channels}`
  if (kind === 'max-pool') return `max ${kernel}x${kernel}`
  return `${kernel}x${kernel} ${channels}${groups === 1 ? '' : ` in ${groups} groups`}`
}

const grouped = (count: number): string => count.toLocaleString('en-US')
const millions = (count: number): string =>
  `${(count / 1e6).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} M`
