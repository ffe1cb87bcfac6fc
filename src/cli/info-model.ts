import type { Manifest } from '../models/manifest.ts'
import type { ModelSummary } from '../models/summary.ts'
import type { DeviceReport } from '../runtime/runtime.ts'

/** What `vertebra info` prints of a model. */
export function modelText(
  origin: string,
  manifest: Manifest,
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
    `  labels        ${manifest.labels.length}: ${manifest.labels.map((label) => label.name).join(', ')}`,
    `  weights       ${manifest.source.weights}`,
    `  licence       ${manifest.source.licence}`,
    ...manifest.metrics.map(({ metric, value, dataset }) => `  ${metric.padEnd(13)} ${value} on ${dataset}`),
    '',
    `  A photo of ${photo.width} x ${photo.height} is an input of ${input.width} x ${input.height}:`,
    ...graphs.map(
      (graph) =>
        `    ${graph.graph.padEnd(9)} ${millions(graph.parameters)} M parameters  ${billions(graph.multiplyAdds)} G multiply-adds  ${megabytes(graph.bytes)} MB (${graph.precision})`,
    ),
    `    ${'together'.padEnd(9)} ${millions(parameters)} M parameters  ${billions(multiplyAdds)} G multiply-adds  ${megabytes(bytes)} MB`,
    '',
    '  Feature maps:',
    ...levels.map(
      ({ name, channels, width, height, stride }) =>
        `    ${name.padEnd(4)} ${String(channels).padStart(5)} channels  ${width} x ${height}  stride ${stride}`,
    ),
    '',
    `  Devices (${runtime}):`,
    ...devices.map(({ device, works, reason }) => `    ${works ? 'yes' : 'no '}  ${device.padEnd(9)} ${reason}`),
  ]
  return `${lines.join('\n')}\n`
}

const millions = (count: number): string => (count / 1e6).toFixed(2).padStart(7)
const billions = (count: number): string => (count / 1e9).toFixed(2).padStart(7)
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1).padStart(6)
