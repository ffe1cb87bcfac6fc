import type { ModelManifest } from '../models/manifest.ts'
import type { ModelSummary } from '../models/summary.ts'
import { taskOf } from '../models/task.ts'
import type { DeviceReport } from '../runtime/runtime.ts'
import { printable } from './text-table.ts'

/** What `vertebra info` prints of a model. */
export function modelText(
  origin: string,
  manifest: ModelManifest,
  { photo, input, graphs, levels }: ModelSummary,
  runtime: string,
  devices: readonly DeviceReport[],
): string {
  const bytes = graphs.reduce((sum, graph) => sum + graph.bytes, 0)
  const parameters = graphs.reduce((sum, graph) => sum + graph.parameters, 0)
  const multiplyAdds = graphs.reduce((sum, graph) => sum + graph.multiplyAdds, 0)
  const lines = [
    `${manifest.name}: ${manifest.description}`,
    `  folder        ${origin}`,
    `  architecture  ${manifest.architecture}`,
    `  task          ${taskOf(manifest)}`,
    ...('labels' in manifest ? [`  labels        ${manifest.labels.length}: ${labelText(manifest.labels)}`] : []),
    `  weights       ${manifest.source.weights}`,
    `  licence       ${manifest.source.licence}`,
    ...manifest.metrics.map(({ metric, value, dataset }) => `  ${metric.padEnd(13)} ${value} on ${dataset}`),
    '',
    `  A photo of ${photo.width} x ${photo.height} is an input of ${input.width} x ${input.height}:`,
    ...graphs.map(
      (graph) =>
        `    ${graph.graph.padEnd(10)} ${millions(graph.parameters)} M parameters  ${billions(graph.multiplyAdds)} G multiply-adds  ${megabytes(graph.bytes)} MB (${graph.precision})`,
    ),
    `    ${'together'.padEnd(10)} ${millions(parameters)} M parameters  ${billions(multiplyAdds)} G multiply-adds  ${megabytes(bytes)} MB`,
    '',
    ...(levels.length > 0 ? ['  Feature maps:', ...levels.map(levelText), ''] : []),
    `  Devices (${runtime}):`,
    ...devices.map(({ device, works, reason }) => `    ${works ? 'yes' : 'no '}  ${device.padEnd(9)} ${reason}`),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

function levelText({ name, channels, width, height, stride }: ModelSummary['levels'][number]): string {
  return `    ${name.padEnd(4)} ${String(channels).padStart(5)} channels  ${width} x ${height}  stride ${stride}`
}

/** A thousand names are too many to look at. */
const SHOWN_LABELS = 100

function labelText(labels: readonly { readonly name: string }[]): string {
  const names = labels.slice(0, SHOWN_LABELS).map(({ name }) => name)
  return `${names.join(', ')}${labels.length > SHOWN_LABELS ? ', …' : ''}`
}

const millions = (count: number): string => (count / 1e6).toFixed(2).padStart(7)
const billions = (count: number): string => (Number.isNaN(count) ? '–' : (count / 1e9).toFixed(2)).padStart(7)
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1).padStart(6)
