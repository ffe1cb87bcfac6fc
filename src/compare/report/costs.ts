import { STAGES, type Stage } from '../../detector/stopwatch.ts'
import { ERROR_KINDS, type ErrorKind } from '../../evaluate/index.ts'
import type { ComparedModel, ComparedScores, Comparison } from '../comparison.ts'
import { bar } from './charts.ts'
import { html, type Markup } from './html.ts'
import { counted, megabytes, milliseconds, percent, quantity, times } from './numbers.ts'

const KINDS: Readonly<Record<ErrorKind, string>> = {
  class: 'right place, wrong class',
  localisation: 'right class, box not tight enough',
  both: 'wrong class and loose box',
  duplicate: 'object found already',
  background: 'nothing is there',
  missed: 'object not found at all',
}

/** What goes wrong, and what mending it would bring. */
export function errorSection(models: readonly ComparedModel[], { models: scores }: ComparedScores): Markup {
  const most = Math.max(0.001, ...scores.flatMap(({ errors }) => ERROR_KINDS.map((kind) => errors.gains[kind])))
  return html`<section aria-labelledby="errors"><h2 id="errors">Errors</h2>
<div class="scroll"><table><caption>By how many points AP50 would rise if only these errors were mended, and how many there are at any
score (as TIDE counts them).</caption>
<thead>${modelHeads(models)}</thead><tbody>
${ERROR_KINDS.map(
  (kind) =>
    html`<tr><th scope="row">${kind}<small>${KINDS[kind]}</small></th>${scores.map(
      ({ errors }, m) =>
        html`<td>${percent(errors.gains[kind])}${bar(errors.gains[kind] / most, m)}<small>${errors.counts[kind].toLocaleString('en')}</small></td>`,
    )}</tr>`,
)}</tbody></table></div></section>`
}

const STAGE_NAMES: Readonly<Record<Stage, string>> = {
  decode: 'read and decode the photo',
  prepare: 'resize and normalise',
  network: 'backbone, pyramid, RPN',
  proposals: 'choose proposals',
  pooling: 'pool the proposals',
  head: 'box head',
  postprocess: 'boxes, NMS',
}

/** What each model costs. */
export function costSection({ models, costs }: Comparison): Markup {
  const [first] = models
  const slowest = Math.max(0.001, ...models.map((model) => model.milliseconds))
  const row = (
    label: string,
    what: string,
    read: (model: ComparedModel) => number | undefined,
    text: (value: number) => string,
  ): Markup => {
    const base = first && read(first)
    return html`<tr><th scope="row">${label}<small>${what}</small></th>${models.map((model, m) => {
      const value = read(model)
      const ratio = m > 0 && base !== undefined && value !== undefined ? times(base, value) : ''
      return html`<td>${value === undefined ? '–' : text(value)}<small>${ratio}</small></td>`
    })}</tr>`
  }
  return html`<section aria-labelledby="costs"><h2 id="costs">Speed and size</h2>
<p class="quiet">Milliseconds per photo, the median of ${counted(costs.photos, 'photo')}; the models took turns, so that whatever else the machine did
met all of them.</p>
${models.map(
  (
    model,
    m,
  ) => html`<div><span class="key m${m}"></span>${model.name} <small>on ${model.device}, ${milliseconds(model.milliseconds)} ms</small></div>
<div class="stack m${m}" role="img" aria-label="${STAGES.map((stage) => `${stage} ${milliseconds(model.times[stage])} ms`).join(', ')}">
${STAGES.map((stage) => stackPart(stage, model.times[stage] / slowest))}</div>`,
)}
<div class="scroll"><table><caption>Multiply-adds are counted for a photo of ${costs.width} × ${costs.height} pixels. Memory is the peak of a
process that runs this model alone.</caption><thead>${modelHeads(models)}</thead><tbody>
${STAGES.map((stage) =>
  row(
    stage,
    STAGE_NAMES[stage],
    (model) => model.times[stage],
    (value) => `${milliseconds(value)} ms`,
  ),
)}
${row(
  'together',
  '',
  (model) => model.milliseconds,
  (value) => `${milliseconds(value)} ms`,
)}
${row('parameters', '', (model) => model.parameters, quantity)}
${row('multiply-adds', 'per photo', (model) => model.multiplyAdds, quantity)}
${row('files', 'on disk', (model) => model.bytes, megabytes)}
${row('memory', 'peak', (model) => model.memory, megabytes)}
</tbody></table></div></section>`
}

/** A stage's part of the bar, with its name where there is room for it. */
function stackPart(stage: Stage, share: number): Markup {
  const name = share > 0.12 ? html`<b>${stage}</b>` : undefined
  return html`<span style="width:${(100 * share).toFixed(2)}%">${name}</span>`
}

function modelHeads(models: readonly ComparedModel[]): Markup {
  return html`<tr><th scope="col"></th>${models.map(({ name }, m) => html`<th scope="col" class="name"><span class="key m${m}"></span>${name}</th>`)}</tr>`
}
