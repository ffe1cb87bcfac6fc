import type { GraphReport, QuantizationReport } from '../quantize/report.ts'
import type { Accuracy } from './quantize-accuracy.ts'
import { percent, textTable } from './text-table.ts'

/** Accuracy of the float32 model and of its int8 form. */
export interface AccuracyChange {
  readonly photos: number
  readonly before: Accuracy
  readonly after: Accuracy
}

/** The report as text: the error of every group of layers and at the outputs, and the accuracy before and after. */
export function reportText({ photos, measuredPhotos, graphs }: QuantizationReport, change?: AccuracyChange): string {
  const lines = [
    `Ranges from ${photos} photos; signal-to-noise ratio in dB against float32 on ${measuredPhotos} of them.\n`,
  ]
  for (const graph of graphs) lines.push(`\n${graph.graph}\n`, layerTable(graph), '\n', outputTable(graph))
  if (change) lines.push('\n', accuracyTable(change))
  return lines.join('')
}

/** One row for each group: the ratio at what it gives, what keeping it in float32 would do, and what was decided. */
function layerTable({ values, groups }: GraphReport): string {
  return textTable(
    [
      ['layers', 'dB', 'noise', 'work', ''],
      ...groups.map(({ group, gain, cost, kept }) => [
        group,
        decibels(values.findLast((value) => value.group === group)?.decibels),
        `${(100 * gain).toFixed(1)} %`,
        `${(100 * cost).toFixed(2)} %`,
        kept ? 'float32' : 'int8',
      ]),
    ],
    { left: [0, 4] },
  )
}

function outputTable({ outputs }: GraphReport): string {
  return textTable([['output', 'dB'], ...Object.entries(outputs).map(([name, value]) => [name, decibels(value)])])
}

function accuracyTable({ photos, before, after }: AccuracyChange): string {
  const row = (name: string, { AP, AP50, vocMAP }: Accuracy): string[] => [name, ...[AP, AP50, vocMAP].map(percent)]
  return textTable([[`${photos} photos`, 'AP', 'AP50', 'VOC mAP'], row('before', before), row('int8', after)])
}

function decibels(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : value.toFixed(1)
}
