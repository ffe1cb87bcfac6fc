import type { OutlineLayer, OutlineShortcut } from '../architectures/outline.ts'
import type { UnitSummary } from '../architectures/summary.ts'
import type { Run } from './fold.ts'
import { type Drawing, LAYOUT, line, path, rect, stack, text } from './svg.ts'

/** A run of units: its layers on the wire, its shortcut as an arc beside them, how often it stands there, what is taken. */
export function drawRun({ unit, count, levels }: Run, y: number): Drawing {
  const body = drawUnit(unit, y)
  const times = count === 1 ? '' : text('times', 58, y + body.height / 2, `× ${count}`)
  const taps = stack(
    y + body.height,
    levels.map((level) => (top) => drawTap(level, top)),
  )
  return { markup: body.markup + times + taps.markup, height: body.height + taps.height }
}

function drawUnit({ branches, shortcut }: UnitSummary, y: number): Drawing {
  const [chain = []] = branches
  if (branches.length > 1) return drawModule(branches, y)
  return shortcut === 'none' ? drawLayers(chain, y) : drawResidual(chain, shortcut, y)
}

/** `3x3 conv, 128, /2`; C is the ResNeXt paper's letter for the groups. */
function layerText({ kind, kernel, stride, dilation, groups, channels }: OutlineLayer): string {
  if (kind === 'fc') return `fc ${channels}`
  const name = kind === 'conv' ? `${kernel}x${kernel} conv, ${channels}` : `${kernel}x${kernel} max-pool`
  return [
    name,
    ...(groups > 1 ? [`C=${groups}`] : []),
    ...(dilation > 1 ? [`dilation ${dilation}`] : []),
    ...(stride > 1 ? [`/${stride}`] : []),
  ].join(', ')
}

function drawLayers(layers: readonly OutlineLayer[], y: number): Drawing {
  const { wire, layerWidth, layerHeight, gap } = LAYOUT
  const height = layers.length * (layerHeight + gap) + gap
  const boxes = layers.map((layer, i) => {
    const top = y + gap + i * (layerHeight + gap)
    const label = text('label', wire, top + layerHeight / 2, layerText(layer))
    return rect(layer.kind, wire - layerWidth / 2, top, layerWidth, layerHeight) + label
  })
  return { markup: line('wire', wire, y, wire, y + height) + boxes.join(''), height }
}

const SUM_RADIUS = 8

function drawResidual(layers: readonly OutlineLayer[], shortcut: OutlineShortcut, y: number): Drawing {
  const { wire, arc, gap } = LAYOUT
  const inner = drawLayers(layers, y + gap)
  const start = y + gap / 2
  const middle = y + gap + inner.height + SUM_RADIUS
  const end = middle + SUM_RADIUS + gap / 2
  const bend = 22
  const swing =
    `M${wire} ${start}H${arc - bend}Q${arc} ${start} ${arc} ${start + bend}` +
    `V${middle - bend}Q${arc} ${middle} ${arc - bend} ${middle}H${wire + SUM_RADIUS}`
  const outputs = layers.at(-1)?.channels
  const notes = { none: '', identity: '', padded: 'zeros added', projection: `1x1 conv, ${outputs}` }
  return {
    markup:
      line('wire', wire, y, wire, end) +
      inner.markup +
      path(shortcut, swing) +
      `<circle class="sum" cx="${wire}" cy="${middle}" r="${SUM_RADIUS}"/>` +
      text('plus', wire, middle, '+') +
      text('note', arc + 8, (start + middle) / 2, notes[shortcut]),
    height: end - y,
  }
}

/** An Inception module: chains side by side, joined at the bottom. */
function drawModule(branches: readonly (readonly OutlineLayer[])[], y: number): Drawing {
  const { wire, margin, width, layerHeight, gap } = LAYOUT
  const rows = Math.max(...branches.map((branch) => branch.length))
  const column = (width - 2 * margin - gap) / branches.length
  const top = y + gap
  const bottom = top + gap + rows * (layerHeight + gap)
  const centre = (i: number): number => Math.round(margin + gap / 2 + (i + 0.5) * column)
  const chains = branches.map((branch, i) => {
    const boxes = branch.map((layer, j) => {
      const at = bottom - (branch.length - j) * (layerHeight + gap)
      const label = layerText(layer).replace(' conv', '').replace(' max-pool', ' max')
      const box = rect(layer.kind, Math.round(centre(i) - column / 2 + 3), at, Math.round(column - 6), layerHeight)
      return box + text('small', centre(i), at + layerHeight / 2, label)
    })
    return line('split', centre(i), top, centre(i), bottom) + boxes.join('')
  })
  const last = branches.length - 1
  const bars = [top, bottom].map((at) => line('split', centre(0), at, centre(last), at))
  const ends = line('wire', wire, y, wire, top) + line('wire', wire, bottom, wire, bottom + gap)
  return { markup: ends + bars.join('') + chains.join(''), height: bottom + gap - y }
}

/** A feature map that leaves the network here. */
function drawTap(level: string, y: number): Drawing {
  const { wire } = LAYOUT
  const height = 24
  const middle = y + height / 2
  const right = 350
  return {
    markup:
      line('wire', wire, y, wire, y + height) +
      path('wire', `M${wire} ${middle}H${right - 3}m-6 -4l6 4l-6 4`) +
      rect('pill', right, middle - 9, 34, 18, 9) +
      text('level', right + 17, middle, level),
    height,
  }
}
