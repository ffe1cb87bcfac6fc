import { Command, InvalidArgumentError } from 'commander'
import type { Architecture } from '../architectures/registry.ts'
import { summarizeArchitecture } from '../architectures/summary.ts'
import { drawNetwork } from '../diagram/network.ts'
import { unexpected } from '../errors.ts'
import { openModel } from '../models/load.ts'
import type { ModelFiles } from '../models/model-files.ts'
import { summarizeModel } from '../models/summary.ts'
import { reportForAuto } from '../runtime/choose-device.ts'
import { nodeRuntime } from '../runtime/node.ts'
import type { DeviceReport } from '../runtime/runtime.ts'
import { architectureCosts, architectureText, listText, locateModelOrArchitecture } from './info-architecture.ts'
import { modelText } from './info-model.ts'
import { json } from './json.ts'
import { DEFAULT_MODEL } from './options.ts'
import { refuseFlags } from './refuse-flags.ts'
import { writeWhole } from './write-whole.ts'

interface Size {
  readonly width: number
  readonly height: number
}

interface InfoFlags {
  readonly size?: Size
  readonly list?: boolean
  readonly graph?: string
  readonly json?: boolean
}

const PHOTO: Size = { width: 480, height: 360 }

export function infoCommand(signal: AbortSignal): Command {
  return new Command('info')
    .description('describe a model or an architecture, and say which devices work here')
    .argument('[name]', 'an installed model, a model folder, a URL, or an architecture such as resnet50', DEFAULT_MODEL)
    .option(
      '--size <width>x<height>',
      "size of the photo that costs are counted for (default: 480x360; an architecture's own)",
      parseSize,
    )
    .option('--list', 'list the architectures')
    .option('--graph <file.svg>', 'draw the architecture', svgFile)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  vertebra info
  vertebra info my-model --size 1920x1080 --json
  vertebra info --list
  vertebra info resnet34 --graph resnet34.svg`,
    )
    .action(async (name: string, flags: InfoFlags, command: Command) => {
      if (flags.list) {
        if (command.args.length > 0) throw unexpected('--list', 'no name, as it lists all architectures,', name)
        refuseFlags(flags, ['size', 'graph'], 'with --list')
        const costs = architectureCosts()
        process.stdout.write(flags.json ? json(costs) : listText(costs))
        return
      }
      const found = await locateModelOrArchitecture(name)
      if ('description' in found) await describeArchitecture(found, flags)
      else await describeModel(found, flags, signal)
    })
}

async function describeArchitecture(architecture: Architecture, flags: InfoFlags): Promise<void> {
  const summary = summarizeArchitecture(architecture, flags.size)
  process.stdout.write(flags.json ? json({ ...architecture, summary }) : architectureText(architecture, summary))
  if (flags.graph === undefined) return
  await writeWhole(flags.graph, drawNetwork(architecture, summary))
  if (!flags.json) process.stdout.write(`\n${flags.graph}\n`)
}

async function describeModel(files: ModelFiles, flags: InfoFlags, signal: AbortSignal): Promise<void> {
  if (flags.graph !== undefined) throw unexpected('--graph', 'the name of an architecture', files.origin)
  const { width, height } = flags.size ?? PHOTO
  const model = await openModel(files, { signal })
  const summary = await summarizeModel(model, width, height)
  const runtime = await nodeRuntime()
  const devices: DeviceReport[] = []
  for (const device of runtime.devices) devices.push(await reportForAuto(runtime, device))
  const { manifest, origin } = model
  process.stdout.write(
    flags.json
      ? json({ origin, manifest, summary, runtime: runtime.name, devices })
      : modelText(origin, manifest, summary, runtime.name, devices),
  )
}

function svgFile(path: string): string {
  if (path.toLowerCase().endsWith('.svg')) return path
  throw new InvalidArgumentError(`Expected a file name that ends in .svg but received "${path}".`)
}

function parseSize(text: string): Size {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? []
  if (!Number(width) || !Number(height)) {
    throw new InvalidArgumentError(`Expected a size such as 640x480 but received "${text}".`)
  }
  return { width: Number(width), height: Number(height) }
}
