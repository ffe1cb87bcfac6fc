import { COCO_AREAS, type CocoEvaluation, cocoCurve, type Interval } from '../../evaluate/index.ts'
import type { ComparedModel, ComparedScores, ModelScores } from '../comparison.ts'
import { bar, precisionRecallChart, smallCurve, type Whisker, whiskerDomain, whiskerPlot } from './charts.ts'
import { type Content, html, type Markup } from './html.ts'
import { counted, difference, intervalText, percent, points, verdictOf } from './numbers.ts'

interface FigureRow {
  readonly label: Content
  /** Per model; -1 where there is nothing to measure. */
  readonly values: readonly number[]
  readonly whiskers: readonly Whisker[]
}

type Models = readonly ComparedModel[]

const NOT_MEASURED: Interval = { low: Number.NaN, high: Number.NaN }

/** The figures over everything, and by object size. */
export function accuracySection(models: Models, { models: scores, at }: ComparedScores): Markup {
  const row = (name: string, what: string, read: (own: ModelScores) => number, figure?: string): FigureRow => ({
    label: html`${name} <small>${what}</small>`,
    values: scores.map(read),
    whiskers: scores.flatMap((own, model) => {
      const interval = (figure === undefined ? undefined : own.differences?.figures[figure]) ?? NOT_MEASURED
      const value = difference(read(scores[0] as ModelScores), read(own))
      return model > 0 && value !== undefined ? [{ ...interval, value, model }] : []
    }),
  })
  const overall = [
    row('AP', 'COCO: mean over IoU 0.50 to 0.95', ({ coco }) => coco.stats.AP, 'AP'),
    row('AP50', 'at IoU 0.5', ({ coco }) => coco.stats.AP50, 'AP50'),
    row('AP75', 'at IoU 0.75: tight boxes', ({ coco }) => coco.stats.AP75, 'AP75'),
    row('mAP', 'VOC: every point, IoU 0.5', ({ voc }) => voc.mAP, 'mAP'),
  ]
  const [, small, medium, large] = Object.values(COCO_AREAS)
  const sizes = [
    row(
      'small',
      `to ${Math.sqrt(small?.[1] ?? 0)} × ${Math.sqrt(small?.[1] ?? 0)} pixels`,
      ({ coco }) => coco.stats.APs,
      'APs',
    ),
    row(
      'medium',
      `to ${Math.sqrt(medium?.[1] ?? 0)} × ${Math.sqrt(medium?.[1] ?? 0)}`,
      ({ coco }) => coco.stats.APm,
      'APm',
    ),
    row(
      'large',
      `from ${Math.sqrt(large?.[0] ?? 0)} × ${Math.sqrt(large?.[0] ?? 0)}`,
      ({ coco }) => coco.stats.APl,
      'APl',
    ),
  ]
  const more = [
    row('AR', 'recall, at most 100 a photo', ({ coco }) => coco.stats.AR100),
    row('precision', `at score ${at}, IoU 0.5`, ({ point }) => point.precision),
    row('recall', `at score ${at}, IoU 0.5`, ({ point }) => point.recall),
    row('F1', `at score ${at}, IoU 0.5`, ({ point }) => point.F1),
  ]
  return html`<section aria-labelledby="accuracy"><h2 id="accuracy">Accuracy</h2>
${figureTable(
  models,
  'In percent. A dot is the difference, its line the 95 % interval; hollow where it holds 0 or there is none.',
  [
    ['', overall],
    ['AP by size of object', sizes],
    ['Recall, and precision at one score', more],
  ],
)}</section>`
}

/** AP of every class, the one that gained most first. */
export function classSection(models: Models, { models: scores }: ComparedScores): Markup {
  const classes = scores[0]?.coco.perClass ?? []
  const rows = classes
    .map(({ name, objects }, k) => {
      const values = scores.map(({ coco }) => coco.perClass[k]?.AP ?? -1)
      const whiskers = scores.flatMap(({ differences }, model): Whisker[] => {
        const interval = differences?.perClass[k]
        const value = difference(values[0] ?? -1, values[model] ?? -1)
        return interval && value !== undefined ? [{ ...interval, value, model }] : []
      })
      return { label: html`${name} <small>${counted(objects, 'object')}</small>`, values, whiskers, objects }
    })
    .filter(({ objects }) => objects > 0)
    .sort((a, b) => (b.whiskers[0]?.value ?? 0) - (a.whiskers[0]?.value ?? 0))
  const without = classes.length - rows.length
  return html`<section aria-labelledby="classes"><h2 id="classes">By class</h2>
${figureTable(models, `AP in percent, the class that gains most first.${without > 0 ? ` ${counted(without, 'class', 'classes')} without objects left out.` : ''}`, [['', rows]], true)}
</section>`
}

function figureTable(
  models: Models,
  caption: string,
  groups: readonly (readonly [string, readonly FigureRow[]])[],
  bars = false,
): Markup {
  const domain = whiskerDomain(groups.flatMap(([, rows]) => rows.flatMap(({ whiskers }) => whiskers)))
  const first = models[0]?.name ?? ''
  const rowMarkup = ({ label, values, whiskers }: FigureRow): Markup => html`<tr><th scope="row">${label}</th>
${values.map(
  (value, m) =>
    html`<td class="${bars ? 'barred' : ''}">${percent(value)}${bars && value >= 0 ? bar(value, m) : undefined}</td>`,
)}
<td>${whiskers.map((whisker) => differenceMarkup(whisker))}</td>
<td class="plot">${whiskers.length > 0 ? whiskerPlot(whiskers, domain) : undefined}</td></tr>`
  return html`<div class="scroll"><table><caption>${caption}</caption>
<thead><tr><th scope="col"></th>${models.map(({ name }, m) => html`<th scope="col" class="name"><span class="key m${m}"></span>${name}</th>`)}
<th scope="col">difference</th><th scope="col" class="plot">to ${first}, ${points(-domain)} to ${points(domain)}</th></tr></thead>
${groups.map(
  ([title, rows]) =>
    html`<tbody>${
      title === ''
        ? undefined
        : html`<tr class="group"><th scope="rowgroup" colspan="${models.length + 3}">${title}</th></tr>`
    }${rows.map(rowMarkup)}</tbody>`,
)}</table></div>`
}

function differenceMarkup(whisker: Whisker): Markup {
  const text = points(whisker.value)
  const shown = verdictOf(whisker) === 'open' ? html`${text}` : html`<strong class="clear">${text}</strong>`
  return html`<div>${shown}<small>${intervalText(whisker)}</small></div>`
}

/** Precision over recall: the mean over the classes, and each class. */
export function curveSection(models: Models, { models: scores }: ComparedScores): Markup {
  const names = models.map(({ name }) => name)
  const curves = (iou: number, categoryId?: number) => scores.map(({ coco }) => cocoCurve(coco, { iou, categoryId }))
  const classes = (scores[0]?.coco ?? { perClass: [] as CocoEvaluation['perClass'] }).perClass.filter(
    ({ objects }) => objects > 0,
  )
  return html`<section aria-labelledby="curves"><h2 id="curves">Precision and recall</h2>
<p class="quiet">The further to the upper right, the better. Mean over the classes.</p>
${legend(names)}
<div class="charts">${[0.5, 0.75].map((iou) => precisionRecallChart(`IoU ${iou}`, curves(iou), names))}</div>
<details><summary>Every class, at IoU 0.5</summary>
<div class="smalls">${classes.map(({ categoryId, name }) => smallCurve(name, curves(0.5, categoryId)))}</div></details></section>`
}

export function legend(names: readonly string[]): Markup {
  return html`<ul class="legend">${names.map((name, m) => html`<li><span class="key m${m}"></span>${name}</li>`)}</ul>`
}
