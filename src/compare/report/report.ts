import type { ComparedModel, Comparison, ModelScores } from '../comparison.ts'
import { accuracySection, classSection, curveSection } from './accuracy.ts'
import { costSection, errorSection } from './costs.ts'
import { html, Markup } from './html.ts'
import {
  counted,
  intervalText,
  listed,
  megabytes,
  milliseconds,
  percent,
  points,
  quantity,
  verdictOf,
} from './numbers.ts'
import { photoSection } from './photos.ts'
import { STYLE } from './style.ts'

/**
 * A comparison as one HTML page that needs nothing else: pictures are `data:` URLs, charts are SVG, and its own policy
 * forbids the browser to fetch anything.
 *
 * @param made when and by what, for the foot of the page.
 *
 * @example
 * await writeFile('report.html', renderReport(comparison, '2026-01-31, vertebra 0.1.0'))
 */
export function renderReport(comparison: Comparison, made: string): string {
  const { models, scores, subject, warnings } = comparison
  const title = listed(models.map(({ name }) => name))
  const size = scores && [
    counted(scores.images, 'photo'),
    counted(scores.objects, 'object'),
    counted(scores.categories, 'class', 'classes'),
  ]
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title} on ${subject}</title><style>${new Markup(STYLE)}</style></head><body>
<header><p class="eyebrow">${[subject, ...(size ?? [])].join(' · ')}</p>
<h1>${title}</h1>
<p class="verdict">${verdict(comparison)}</p></header>
<main>
<div class="cards">${models.map((model, m) => cardMarkup(model, m, scores?.models[m]))}</div>
${warnings.length > 0 ? html`<section class="note" aria-label="Warnings">${warnings.map((warning) => html`<p>${warning}</p>`)}</section>` : undefined}
${
  scores
    ? [
        accuracySection(models, scores),
        photoSection(comparison),
        classSection(models, scores),
        curveSection(models, scores),
        errorSection(models, scores),
        costSection(comparison),
      ]
    : [photoSection(comparison), costSection(comparison)]
}
</main>
<footer>${
    scores
      ? html`<p>AP is COCO’s, mAP VOC’s; crowds and difficult objects do not count. Intervals: 1,000 data sets drawn from these
photos with replacement, the same ones for all models (paired bootstrap).</p>`
      : undefined
  }<p>Made ${made}.</p></footer>
</body></html>
`.text
}

/** The answer in one or two sentences. */
export function verdict({ models, scores }: Comparison): string {
  const [first, ...others] = models
  if (first === undefined) return ''
  return others
    .map((other, i) => {
      const own = scores?.models[i + 1]
      const speed = speedWords(first, other)
      if (!scores || !own) return `${other.name} ${speed}.`
      return `${accuracyWords(first.name, other.name, scores.models[0] as ModelScores, own)} It ${speed}.`
    })
    .join(' ')
}

function accuracyWords(first: string, other: string, base: ModelScores, own: ModelScores): string {
  const figure = (
    name: string,
    read: (scores: ModelScores) => number,
  ): { words: string; verdict: string } | undefined => {
    const interval = own.differences?.figures[name]
    const [a, b] = [read(base), read(own)]
    if (!interval || a < 0 || b < 0) return undefined
    const words = `${name} ${percent(b)} against ${percent(a)}, ${points(b - a)} (95 % interval ${intervalText(interval)})`
    return { words, verdict: verdictOf(interval) }
  }
  const AP = figure('AP', ({ coco }) => coco.stats.AP)
  const mAP = figure('mAP', ({ voc }) => voc.mAP)
  if (!AP) return 'There are no objects to measure on.'
  const comparative = (verdict: string): string => `${verdict === 'higher' ? 'more' : 'less'} accurate`
  if (AP.verdict !== 'open') return `${other} is ${comparative(AP.verdict)} than ${first}: ${AP.words}.`
  if (!mAP || mAP.verdict === 'open') return `${other} and ${first} cannot be told apart on these photos: ${AP.words}.`
  return `${other} is ${comparative(mAP.verdict)} than ${first} at IoU 0.5: ${mAP.words}. AP does not tell them apart: ${AP.words}.`
}

function speedWords(first: ComparedModel, other: ComparedModel): string {
  const ratio = other.milliseconds / first.milliseconds
  if (!(ratio > 0) || !Number.isFinite(ratio)) return 'was not timed'
  const time = `${milliseconds(other.milliseconds)} against ${milliseconds(first.milliseconds)} ms per photo`
  if (ratio > 0.95 && ratio < 1.05) return `takes about as long: ${time}`
  return ratio > 1
    ? `takes ${ratio.toFixed(2)} times as long: ${time}`
    : `is ${(1 / ratio).toFixed(2)} times as fast: ${time}`
}

function cardMarkup(model: ComparedModel, m: number, scores: ModelScores | undefined): Markup {
  const accuracy = scores && [
    html`<div><dt>AP</dt><dd>${percent(scores.coco.stats.AP)}</dd></div>`,
    html`<div><dt>mAP at IoU 0.5</dt><dd>${percent(scores.voc.mAP)}</dd></div>`,
  ]
  return html`<section class="m${m}"><h2>${model.name}</h2><p>${model.architecture}. ${model.precision} on ${model.device}.</p><dl>
${accuracy}
<div><dt>per photo</dt><dd>${milliseconds(model.milliseconds)} <small>ms</small></dd></div>
<div><dt>parameters</dt><dd>${quantity(model.parameters)}</dd></div>
<div><dt>multiply-adds</dt><dd>${quantity(model.multiplyAdds)}</dd></div>
<div><dt>peak memory</dt><dd>${model.memory === undefined ? '–' : megabytes(model.memory)}</dd></div></dl></section>`
}
