import { type Confusion, ERROR_KINDS, type ErrorBreakdown } from '../evaluate/index.ts'
import { rowsOf, type Scores } from './eval-scores.ts'
import { percent, textTable } from './text-table.ts'

/** The scores for a person: percentages, "-" where there is nothing to measure. */
export function scoreTables(scores: Scores): string {
  const { photos, objects, ignored, results, confusion, errors, options } = scores
  const but = ignored === 0 ? '' : ` and ${ignored} that are ignored (crowd or difficult)`
  const parts = [
    `${photos} photos, ${objects} objects${but}, ${results} results\n`,
    overall(scores),
    classTable(scores),
  ]
  if (confusion) parts.push(confusionTable(confusion, options.at, options.iou))
  if (errors) parts.push(errorTable(errors, options.iou))
  return parts.join('\n')
}

function overall({ coco: { stats }, voc, point, options: { iou, vocMethod, at } }: Scores): string {
  const { AR1, AR10, AR100, ARs, ARm, ARl, ...precisions } = stats
  const recalls = { AR1, AR10, AR100, ARs, ARm, ARl }
  const coco = textTable([
    ['COCO', ...Object.keys(precisions)],
    ['', ...Object.values(precisions).map(percent)],
    ['', ...Object.keys(recalls)],
    ['', ...Object.values(recalls).map(percent)],
  ])
  const method = vocMethod === 'every-point' ? 'every point' : '11 points'
  return `${coco}  VOC mAP ${percent(voc.mAP)} (IoU ${iou}, ${method})
  F1 ${percent(point.F1)}, precision ${percent(point.precision)}, recall ${percent(point.recall)} (score ${at}, IoU ${iou})
`
}

function classTable({ coco, voc, point }: Scores): string {
  return textTable([
    ['class', 'objects', 'results', 'AP', 'AP50', 'VOC AP', 'precision', 'recall', 'F1'],
    ...coco.perClass.map(({ name, objects, results, AP, AP50 }, k) => [
      name,
      String(objects),
      String(results),
      percent(AP),
      percent(AP50),
      percent(voc.perClass[k]?.AP ?? -1),
      percent(point.perClass[k]?.precision ?? -1),
      percent(point.perClass[k]?.recall ?? -1),
      percent(point.perClass[k]?.F1 ?? -1),
    ]),
  ])
}

/** Per class what it was taken for; the whole matrix would be too wide. */
function confusionTable(confusion: Confusion, at: number, iou: number): string {
  const { labels } = confusion
  const background = labels.length - 1
  const rows = rowsOf(confusion).map((row, k) => {
    const taken = row
      .map((count, j) => ({ count, label: labels[j] ?? '', j }))
      .filter(({ count, j }) => count > 0 && j !== k && j !== background)
      .sort((a, b) => b.count - a.count)
    const names = taken.slice(0, 5).map(({ label, count }) => `${label} ${count}`)
    if (taken.length > names.length) names.push('…')
    const isBackground = k === background
    return [
      labels[k] ?? '',
      isBackground ? '-' : String(row[k]),
      isBackground ? '-' : String(row[background]),
      names.join(', '),
    ]
  })
  return `Confusion (score ${at}, IoU ${iou}): objects found as what they are, not found, and taken for others\n${textTable(
    [['class', 'right', 'missed', 'taken for'], ...rows],
    { left: [0, 3] },
  )}`
}

function errorTable({ AP, counts, gains }: ErrorBreakdown, iou: number): string {
  return `Errors (TIDE, IoU ${iou}): how many, and by how much an AP of ${percent(AP)} would rise without them\n${textTable(
    [['error', 'count', 'gain'], ...ERROR_KINDS.map((kind) => [kind, String(counts[kind]), percent(gains[kind])])],
  )}`
}
