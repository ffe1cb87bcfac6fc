import type { ComparedModel, Comparison, ModelScores } from '../compare/comparison.ts'
import { alignDetections } from '../compare/disagreement.ts'
import { intervalText, megabytes, milliseconds, percent, points, quantity } from '../compare/report/numbers.ts'
import type { Detection } from '../heads/detection.ts'
import { textTable } from './text-table.ts'

/** A comparison for the terminal: models in columns, differences to the first behind them. */
export function comparisonTable({ models, scores }: Comparison): string {
  const names = models.map(({ name }) => name)
  const differing = scores
    ? models.slice(1).flatMap(({ name }) => [models.length > 2 ? `${name} -` : 'difference', '95 % interval'])
    : []
  const rows: string[][] = [['', ...names, ...differing]]
  if (scores) {
    const figure = (label: string, read: (own: ModelScores) => number, key?: string): string[] => [
      label,
      ...scores.models.map((own) => percent(read(own))),
      ...scores.models.slice(1).flatMap((own) => {
        const [a, b] = [read(scores.models[0] as ModelScores), read(own)]
        if (a < 0 || b < 0) return ['', '']
        const interval = key === undefined ? undefined : own.differences?.figures[key]
        return [points(b - a), interval ? intervalText(interval) : '']
      }),
    ]
    rows.push(
      figure('AP', ({ coco }) => coco.stats.AP, 'AP'),
      figure('AP50', ({ coco }) => coco.stats.AP50, 'AP50'),
      figure('AP75', ({ coco }) => coco.stats.AP75, 'AP75'),
      figure('mAP (VOC)', ({ voc }) => voc.mAP, 'mAP'),
      figure('AP small', ({ coco }) => coco.stats.APs, 'APs'),
      figure('AP medium', ({ coco }) => coco.stats.APm, 'APm'),
      figure('AP large', ({ coco }) => coco.stats.APl, 'APl'),
      figure(`F1 at ${scores.at}`, ({ point }) => point.F1),
    )
  }
  const cost = (label: string, read: (model: ComparedModel) => string): string[] => [label, ...models.map(read)]
  rows.push(
    cost('ms per photo', (model) => milliseconds(model.milliseconds)),
    cost('parameters', (model) => quantity(model.parameters)),
    cost('multiply-adds', (model) => quantity(model.multiplyAdds)),
    cost('files', (model) => megabytes(model.bytes)),
    cost('peak memory', (model) => (model.memory === undefined ? '–' : megabytes(model.memory))),
  )
  return textTable(rows)
}

/** What each model found on one photo: a row per thing, with the models' scores. */
export function photoTable(names: readonly string[], models: readonly (readonly Detection[])[], at: number): string {
  const things = alignDetections(models).filter((row) => row.some((detection) => (detection?.score ?? 0) >= at))
  if (things.length === 0) return `  no objects from score ${at} on\n`
  return textTable([
    ['object', ...names],
    ...things.map((row) => [
      row.find((detection) => detection !== undefined)?.label ?? '',
      ...row.map((detection) => detection?.score.toFixed(3) ?? '–'),
    ]),
  ])
}
