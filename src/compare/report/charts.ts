import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import type { CocoCurve, Interval } from '../../evaluate/index.ts'
import { html, type Markup } from './html.ts'
import { intervalText, points, verdictOf } from './numbers.ts'

/**
 * Charts as SVG. d3-scale and d3-shape do the arithmetic and need no DOM; colours are classes of the page's style, so that
 * one chart serves light and dark.
 */

const PLOT = { width: 320, height: 240, left: 46, right: 10, top: 10, bottom: 34 }

/** Precision over recall, one line per model. */
export function precisionRecallChart(title: string, curves: readonly CocoCurve[], names: readonly string[]): Markup {
  const { width, height, left, right, top, bottom } = PLOT
  const x = scaleLinear([0, 1], [left, width - right])
  const y = scaleLinear([0, 1], [height - bottom, top])
  const ticks = x.ticks(5)
  const lines = curves.map((curve, m) => curveLine(curve, m, 1, x, y))
  const label = `${title}: precision over recall of ${names.join(', ')}`
  return html`<figure class="chart"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
${ticks.map(
  (tick) => html`<line class="grid" x1="${left}" x2="${width - right}" y1="${round(y(tick))}" y2="${round(y(tick))}"/>
<text x="${left - 6}" y="${round(y(tick) + 4)}" text-anchor="end">${tick}</text>
<text x="${round(x(tick))}" y="${height - bottom + 15}" text-anchor="middle">${tick}</text>`,
)}
${lines}
<text class="axis" x="${(left + width - right) / 2}" y="${height - 4}" text-anchor="middle">recall</text>
<text class="axis" transform="translate(11 ${(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle">precision</text>
</svg><figcaption>${title}</figcaption></figure>`
}

/** Precision over recall of one class, small. */
export function smallCurve(title: string, curves: readonly CocoCurve[]): Markup {
  const x = scaleLinear([0, 1], [1, 119])
  const y = scaleLinear([0, 1], [79, 1])
  const lines = curves.map((curve, m) => curveLine(curve, m, 2, x, y))
  return html`<figure class="small"><svg viewBox="0 0 120 80" role="img" aria-label="Precision over recall: ${title}">
<rect class="frame" x="1" y="1" width="118" height="78"/>${lines}</svg><figcaption>${title}</figcaption></figure>`
}

/** The line of a curve through every `step`-th recall; nothing where there are no objects. */
function curveLine(
  { recall, precision }: CocoCurve,
  model: number,
  step: number,
  x: (recall: number) => number,
  y: (precision: number) => number,
): Markup | undefined {
  if (precision[0] === -1) return undefined
  const path = line<number>(
    (i) => round(x(recall[i] as number)),
    (i) => round(y(precision[i] as number)),
  )
  const places = Array.from(recall, (_, i) => i).filter((i) => i % step === 0)
  return html`<path class="line m${model}" d="${path(places) ?? ''}"/>`
}

/** A difference and its interval, of the model of that index. */
export interface Whisker extends Interval {
  readonly value: number
  readonly model: number
}

/** The range of all intervals with 0 in it, the same to both sides of 0 and round. */
export function whiskerDomain(whiskers: readonly Whisker[]): number {
  const ends = whiskers.flatMap(({ low, high, value }) => [low, high, value].map(Math.abs)).filter(Number.isFinite)
  return scaleLinear([0, Math.max(0.001, ...ends)], [0, 1])
    .nice(4)
    .domain()[1] as number
}

const ROW = 18

/** Differences to the first model as dots with their intervals around a line at 0. */
export function whiskerPlot(whiskers: readonly Whisker[], domain: number): Markup {
  const x = scaleLinear([-domain, domain], [4, 196])
  const height = Math.max(1, whiskers.length) * ROW
  const label = whiskers
    .map((whisker) => [points(whisker.value), intervalText(whisker)].filter(Boolean).join(', '))
    .join('; ')
  return html`<svg class="whiskers" viewBox="0 0 200 ${height}" role="img" aria-label="${label}">
<line class="zero" x1="100" x2="100" y1="0" y2="${height}"/>
${whiskers.map(({ low, high, value, model }, i) => {
  const y = (i + 0.5) * ROW
  const open = verdictOf({ low, high }) === 'open' ? ' open' : ''
  const whisker = Number.isNaN(low)
    ? undefined
    : html`<line class="whisker m${model}" x1="${round(x(low))}" x2="${round(x(high))}" y1="${y}" y2="${y}"/>`
  return html`${whisker}<circle class="dot m${model}${open}" cx="${round(x(value))}" cy="${y}" r="4.5"/>`
})}</svg>`
}

/** A bar of a share of the width, 0 to 1. */
export function bar(share: number, model: number): Markup {
  return html`<span class="bar"><span class="m${model}" style="width:${round(Math.min(1, Math.max(0, share)) * 100)}%"></span></span>`
}

const round = (value: number): number => Math.round(value * 10) / 10
