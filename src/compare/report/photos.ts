import type { ComparedModel, ComparedPhoto, Comparison, PhotoObject, PhotoView } from '../comparison.ts'
import { html, Markup } from './html.ts'
import { counted } from './numbers.ts'

/** The photos where the models differ most, side by side. */
export function photoSection({ photos, models, scores }: Comparison): Markup {
  const one = scores === undefined
  const intro = one
    ? 'Boxes, and how strongly one feature level answers.'
    : `Those on which they disagree most. Boxes from score ${scores.at} on; what is really there is dashed in white, thinly where it does not count.`
  if (photos.length === 0) {
    return html`<section aria-labelledby="photos"><h2 id="photos">Photos</h2>
<p class="quiet">The models give the same detections on every photo.</p></section>`
  }
  return html`<section aria-labelledby="photos"><h2 id="photos">${one ? 'The photo' : 'Where they differ most'}</h2>
<p class="quiet">${intro}</p>
${photos.map((photo) => photoMarkup(photo, models))}</section>`
}

function photoMarkup(photo: ComparedPhoto, models: readonly ComparedModel[]): Markup {
  const counting = photo.objects?.filter(({ ignored }) => !ignored).length
  const [heat] = photo.views.flatMap(({ heatMap }) => heatMap ?? [])
  return html`<article class="photo"><h3>${photo.name}</h3>
<div class="views">${photo.views.map((view, m) => boxesMarkup(photo, view, models[m]?.name ?? '', m, counting))}</div>
${
  heat &&
  html`<div class="views heat">${photo.views.map(
    ({ heatMap }, m) =>
      heatMap &&
      html`<figure><img src="${heatMap.url}" width="${photo.width}" height="${photo.height}" loading="lazy"
alt="Heat map of level ${heatMap.level} of ${models[m]?.name} on ${photo.name}"><figcaption><span class="key m${m}"></span>${heatMap.level.toUpperCase()}, stride ${heatMap.stride}</figcaption></figure>`,
  )}</div>`
}</article>`
}

function boxesMarkup(
  { name, objects = [] }: ComparedPhoto,
  { drawing, detections, counts }: PhotoView,
  model: string,
  m: number,
  counting: number | undefined,
): Markup {
  const seen = detections.map(({ label, score }) => `${label} ${score.toFixed(2)}`).join(', ') || 'nothing'
  const svg = drawing
    .replace('<svg ', () => html`<svg role="img" aria-label="${name} with the boxes of ${model}: ${seen}" `.text)
    // What is there lies on the photo and under the boxes with their labels.
    .replace(/<image [^>]*>/, (photo) => photo + objects.map(truthMarkup).join(''))
  const right =
    counts && counting !== undefined
      ? `${counts.found} of ${counted(counting, 'object')} found, ${counts.wrong} wrong`
      : counted(detections.length, 'object')
  return html`<figure>${new Markup(svg)}<figcaption><span class="key m${m}"></span>${model}: ${right}</figcaption></figure>`
}

/** A white dashed line on a dark one, to be seen on any photo. */
function truthMarkup({ box: [x, y, width, height], label, ignored }: PhotoObject): string {
  const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}"`
  const thickness = ignored ? 0.8 : 1.6
  return html`<g fill="none"><title>${label}${ignored ? ', does not count' : ''}</title><rect ${new Markup(place)} stroke="#000" stroke-opacity="0.55" stroke-width="${thickness}"/>
<rect ${new Markup(place)} stroke="#fff" stroke-width="${thickness}" stroke-dasharray="5 4"/></g>`.text
}
