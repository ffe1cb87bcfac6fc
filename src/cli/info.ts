import { Command, InvalidArgumentError } from 'commander'
import { openModel } from '../models/load.ts'
import { locateModel } from '../models/locate.node.ts'
import type { Manifest } from '../models/manifest.ts'
import { type ModelSummary, summarizeModel } from '../models/summary.ts'
import { reportForAuto } from '../runtime/choose-device.ts'
import { nodeRuntime } from '../runtime/node.ts'
import type { DeviceReport } from '../runtime/runtime.ts'
import { DEFAULT_MODEL } from './options.ts'

interface InfoFlags {
  readonly size: { readonly width: number; readonly height: number }
  readonly json?: boolean
}

export function infoCommand(signal: AbortSignal): Command {
  return new Command('info')
    .description('describe a model, and say which devices work here')
    .argument('[model]', 'name of an installed model, a model folder, or a URL', DEFAULT_MODEL)
    .option('--size <width>x<height>', 'size of the photo that costs are counted for', parseSize, {
      width: 480,
      height: 360,
    })
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  vertebra info
  vertebra info my-model --size 1920x1080 --json`,
    )
    .action(async (name: string, flags: InfoFlags) => {
      const model = await openModel(await locateModel(name), { signal })
      const summary = await summarizeModel(model, flags.size.width, flags.size.height)
      const runtime = await nodeRuntime()
      const devices: DeviceReport[] = []
      for (const device of runtime.devices) devices.push(await reportForAuto(runtime, device))
      const { manifest, origin } = model
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ origin, manifest, summary, runtime: runtime.name, devices }, undefined, 2)}\n`
          : infoText(origin, manifest, summary, runtime.name, devices),
      )
    })
}

function infoText(
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

function parseSize(text: string): InfoFlags['size'] {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? []
  if (!Number(width) || !Number(height)) {
    throw new InvalidArgumentError(`Expected a size such as 640x480 but received "${text}".`)
  }
  return { width: Number(width), height: Number(height) }
}
