import type { BenchReport, BenchVariant } from '../bench/report.ts'
import { STAGES } from '../detector/stopwatch.ts'
import { printable, textTable } from './text-table.ts'

/** One report for the terminal: variants in rows, then the stages of each in columns. */
export function benchTable(report: BenchReport): string {
  const { machine, photos, variants, vertebra } = report
  const sizes = [...new Set(photos.map(({ width, height }) => `${width} x ${height}`))]
  const measured = variants.filter(({ stages }) => stages !== null)
  return [
    `${printable(machineText(report))}, ${machine.system}, Node ${machine.node}, vertebra ${vertebra}\n`,
    `${photos.length === 1 ? '1 photo' : `${photos.length} photos`} of ${sizes.slice(0, 4).join(', ')}${sizes.length > 4 ? ', …' : ''}\n\n`,
    textTable([HEAD, ...variants.map(row)], { left: LEFT }),
    measured.length === 0 ? '' : `\nMilliseconds per stage: median (95th percentile)\n${stageTable(measured)}`,
    failures([report]),
    report.interrupted ? '\nInterrupted: fewer photos than were to be measured.\n' : '',
  ].join('')
}

/** Reports of several machines in one table, fastest first. */
export function mergedTable(reports: readonly BenchReport[]): string {
  const rows = reports.flatMap((report) =>
    report.variants.map((variant) => ({
      rate: variant.photosPerSecond ?? -1,
      cells: [machineText(report), ...row(variant), report.date.slice(0, 10), report.vertebra],
    })),
  )
  rows.sort((a, b) => b.rate - a.rate)
  const photos = new Set(reports.map((report) => JSON.stringify(report.photos)))
  return [
    textTable([['machine', ...HEAD, 'date', 'vertebra'], ...rows.map(({ cells }) => cells)], {
      left: [0, ...LEFT.map((column) => column + 1), HEAD.length + 1, HEAD.length + 2],
    }),
    failures(reports),
    photos.size > 1 ? '\nNot all measured photos of the same sizes: their times cannot be compared.\n' : '',
    differingModels(reports),
  ].join('')
}

const HEAD = ['model', 'device', 'precision', 'workers', 'photos/s', 'ms', 'p95', 'load ms', 'peak MB', 'photos']
const LEFT = [0, 1, 2]

function row({
  model,
  device,
  precision,
  workers,
  photosPerSecond,
  total,
  load,
  memory,
  photos,
}: BenchVariant): string[] {
  return [
    model,
    device,
    precision ?? '-',
    workers === 0 ? '-' : String(workers),
    photosPerSecond === null ? '-' : photosPerSecond.toFixed(2),
    ...(total === null ? ['-', '-'] : [milliseconds(total.median), milliseconds(total.p95)]),
    load === null ? '-' : load.toFixed(0),
    memory === null ? '-' : (memory / 1e6).toFixed(0),
    String(photos),
  ]
}

function stageTable(variants: readonly BenchVariant[]): string {
  return textTable([
    ['', ...variants.map(nameOf)],
    ...STAGES.map((stage) => [
      stage,
      ...variants.map(({ stages }) => {
        const figures = stages?.[stage]
        return figures ? `${milliseconds(figures.median)} (${milliseconds(figures.p95)})` : '-'
      }),
    ]),
  ])
}

function failures(reports: readonly BenchReport[]): string {
  const lines = reports.flatMap(({ variants }) =>
    variants.flatMap((variant) => (variant.failure === null ? [] : [`  ${nameOf(variant)}: ${variant.failure}`])),
  )
  return lines.length === 0 ? '' : `\nFailed:\n${lines.map((line) => `${printable(line)}\n`).join('')}`
}

/** The same name for different weights would be compared as if they were the same. */
function differingModels(reports: readonly BenchReport[]): string {
  const hashes = new Map<string, Set<string>>()
  for (const { model, sha256 } of reports.flatMap(({ variants }) => variants)) {
    if (sha256 !== null) hashes.set(model, (hashes.get(model) ?? new Set()).add(sha256))
  }
  const names = [...hashes].filter(([, own]) => own.size > 1).map(([name]) => printable(name))
  return names.length === 0 ? '' : `\nDifferent models have the same name: ${names.join(', ')}.\n`
}

const machineText = ({ machine }: BenchReport): string => `${machine.cores} x ${machine.cpu}`
const nameOf = ({ model, device, workers }: BenchVariant): string =>
  `${model} ${device}${workers === 0 ? '' : ` x ${workers}`}`
const milliseconds = (value: number): string => value.toFixed(value < 10 ? 2 : 1)
