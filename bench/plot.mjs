// Small line plots side by side, as one SVG.
import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'

const WIDTH = 300
const HEIGHT = 236
const MARGIN = { left: 52, right: 14, top: 46, bottom: 40 }
const COLOURS = ['#1f6feb', '#d1570a', '#1a7f37']

const escaped = (text) => String(text).replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)

/**
 * @param panels each with `title`, `x` (label of the axis), and `series`: `{ name, points: [[x, y], …] }`; y begins at 0
 * @param columns panels in a row
 */
export function plotPanels(panels, columns = 3) {
  const rows = Math.ceil(panels.length / columns)
  const drawn = panels.map((panel, i) => {
    const at = `translate(${(i % columns) * WIDTH} ${Math.floor(i / columns) * HEIGHT})`
    return `<g transform="${at}">${drawPanel(panel)}</g>`
  })
  const size = `width="${columns * WIDTH}" height="${rows * HEIGHT}"`
  const style = 'font-family="system-ui, sans-serif" font-size="11" fill="#24292f"'
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${columns * WIDTH} ${rows * HEIGHT}" ${style}>
<rect width="100%" height="100%" fill="#ffffff"/>
${drawn.join('\n')}
</svg>
`
}

function drawPanel({ title, x: label, series }) {
  const points = series.flatMap((each) => each.points)
  const x = scaleLinear([0, Math.max(...points.map(([value]) => value))], [MARGIN.left, WIDTH - MARGIN.right]).nice()
  const y = scaleLinear([0, Math.max(...points.map(([, value]) => value))], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice()
  const bottom = HEIGHT - MARGIN.bottom
  const parts = [`<text x="${MARGIN.left}" y="16" font-size="13" font-weight="600">${escaped(title)}</text>`]
  for (const tick of y.ticks(4)) {
    parts.push(
      `<path d="M${MARGIN.left} ${rounded(y(tick))}H${WIDTH - MARGIN.right}" stroke="#d0d7de"/>`,
      `<text x="${MARGIN.left - 6}" y="${rounded(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
    )
  }
  for (const tick of x.ticks(4)) {
    parts.push(`<text x="${rounded(x(tick))}" y="${bottom + 15}" text-anchor="middle">${tick}</text>`)
  }
  const middle = (MARGIN.left + WIDTH - MARGIN.right) / 2
  parts.push(`<text x="${middle}" y="${bottom + 31}" text-anchor="middle">${escaped(label)}</text>`)
  const path = line(
    ([value]) => rounded(x(value)),
    ([, value]) => rounded(y(value)),
  )
  series.forEach(({ points: own }, i) => {
    const colour = COLOURS[i % COLOURS.length]
    parts.push(`<path d="${path(own)}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    for (const [a, b] of own) parts.push(`<circle cx="${rounded(x(a))}" cy="${rounded(y(b))}" r="3" fill="${colour}"/>`)
  })
  const names = series.map(({ name }, i) => `<tspan fill="${COLOURS[i % COLOURS.length]}">${escaped(name)}</tspan>`)
  parts.push(`<text x="${MARGIN.left}" y="32">${names.join(' · ')}</text>`)
  return parts.join('')
}

const rounded = (value) => Math.round(value * 10) / 10
