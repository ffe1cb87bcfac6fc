import type { OutlineShortcut } from '../architectures/outline.ts'
import type { Architecture } from '../architectures/registry.ts'
import type { ArchitectureSummary, StageSummary } from '../architectures/summary.ts'
import { escapeMarkup } from '../markup.ts'
import { foldUnits } from './fold.ts'
import { STYLE } from './style.ts'
import { type Drawing, LAYOUT, path, rect, stack, text } from './svg.ts'
import { drawRun } from './unit.ts'

/**
 * A network as an SVG document, 420 wide, from the picture at the top to the classifier at the bottom: convolutions with kernel,
 * channels and stride; shortcuts as arcs, projections dashed; equal units folded with their count; the features where they are
 * taken. Light or dark as the reader's system is.
 *
 * @example
 * const resnet34 = architectureByName('resnet34')
 * await writeFile('resnet34.svg', drawNetwork(resnet34, summarizeArchitecture(resnet34)))
 */
export function drawNetwork(architecture: Architecture, summary: ArchitectureSummary): string {
  const { width } = LAYOUT
  const { markup, height } = stack(0, [
    (y) => drawHead(architecture, summary, y),
    ...summary.stages.map((stage) => (y: number) => drawStage(stage, y)),
    (y) => drawLegend(summary, y),
  ])
  const title = escapeMarkup(architecture.title)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${title}</title><style>${STYLE}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    markup,
    '</svg>',
    '',
  ].join('\n')
}

function drawHead(
  { title }: Architecture,
  { input, parameters, multiplyAdds }: ArchitectureSummary,
  y: number,
): Drawing {
  const { margin } = LAYOUT
  const costs = `${short(parameters)} parameters, ${short(multiplyAdds)} multiply-adds`
  return {
    markup:
      text('title', margin, y + 26, title) +
      text('note', margin, y + 48, `${costs}, picture ${input.width} × ${input.height}`),
    height: 68,
  }
}

function drawStage(stage: StageSummary, y: number): Drawing {
  const [only] = stage.units
  const isSingle = stage.units.length === 1 && only?.branches.length === 1 && only.shortcut === 'none'
  return isSingle ? drawSingle(stage, y) : drawPanel(stage, y)
}

/** A stage of one layer: its box with the size beside it. */
function drawSingle(stage: StageSummary, y: number): Drawing {
  const { width, margin, layerHeight, gap } = LAYOUT
  const { markup, height } = drawRuns(stage, y)
  return { markup: markup + text('size', width - margin - gap, y + gap + layerHeight / 2, sizeText(stage)), height }
}

function drawPanel(stage: StageSummary, y: number): Drawing {
  const { width, margin, gap, wire } = LAYOUT
  const inner = drawRuns(stage, y + 34)
  const panel = rect('panel', margin, y + 4, width - 2 * margin, inner.height + 38, 8)
  return {
    markup:
      panel +
      path('wire', `M${wire} ${y}V${y + 8}M${wire} ${y + 32}v2M${wire} ${y + 34 + inner.height}v12`) +
      text('stage', margin + gap, y + 20, stage.name + countText(stage)) +
      text('size', width - margin - gap, y + 20, sizeText(stage)) +
      inner.markup,
    height: inner.height + 46,
  }
}

function drawRuns({ units }: StageSummary, y: number): Drawing {
  return stack(
    y,
    foldUnits(units).map((run) => (top) => drawRun(run, top)),
  )
}

const LEGEND: readonly (readonly [OutlineShortcut, string])[] = [
  ['identity', 'identity shortcut'],
  ['padded', 'identity, with zeros for new channels'],
  ['projection', 'projection shortcut'],
]

function drawLegend({ stages }: ArchitectureSummary, y: number): Drawing {
  const { margin, gap } = LAYOUT
  const found = new Set(stages.flatMap(({ units }) => units.map((unit) => unit.shortcut)))
  const lines = LEGEND.filter(([kind]) => found.has(kind)).map(
    ([kind, label]) =>
      (top: number): Drawing => ({
        markup: path(kind, `M${margin + gap} ${top + 12}h34`) + text('note', margin + 52, top + 12, label),
        height: 22,
      }),
  )
  return stack(y, [() => ({ markup: '', height: 12 }), ...lines, () => ({ markup: '', height: 8 })])
}

function countText({ units }: StageSummary): string {
  const [first] = units
  if (!first || units.length === 1) return ''
  if (first.branches.length > 1) return `, ${units.length} modules`
  return `, ${units.length} ${first.branches[0]?.length === 1 ? 'layers' : 'units'}`
}

function sizeText({ output, receptiveField }: StageSummary): string {
  return `${output.join(' × ')}${receptiveField === undefined ? '' : `, sees ${receptiveField}`}`
}

/** `25.6 M` */
function short(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} G` : `${(count / 1e6).toFixed(count >= 1e7 ? 1 : 2)} M`
}
