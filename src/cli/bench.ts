import { readFile, rm } from 'node:fs/promises'
import { Command, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { describeMachine } from '../bench/machine.node.ts'
import { measureVariants } from '../bench/measure.ts'
import { type BenchReport, type BenchVariant, readBenchReport } from '../bench/report.ts'
import { writeSamplePhotos } from '../bench/sample-photos.node.ts'
import { startVariant, type VariantProcess } from '../bench/variant-process.node.ts'
import { photoSize } from '../datasets/photo-size.node.ts'
import { PRECISIONS } from '../detector/in-precision.ts'
import type { PrecisionChoice } from '../detector/precision.ts'
import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { expandSources } from '../images/sources.node.ts'
import { throwIfAborted } from '../progress.ts'
import { checkDeviceChoice, reportForAuto } from '../runtime/choose-device.ts'
import { nodeRuntime } from '../runtime/node.ts'
import type { Device } from '../runtime/runtime.ts'
import { benchTable, mergedTable } from './bench-table.ts'
import { BENCH_VARIANT } from './bench-variant.ts'
import { json } from './json.ts'
import { commaList, DEFAULT_MODEL, listOf, numberBetween, wholeNumber } from './options.ts'
import { progressBar } from './progress-bar.ts'

interface BenchFlags {
  readonly devices?: string[]
  readonly precisions: PrecisionChoice[]
  readonly photos?: string[]
  readonly seconds: number
  readonly workers?: number
  readonly json?: boolean
  readonly merge?: string[]
}

export function benchCommand(signal: AbortSignal): Command {
  return new Command('bench')
    .description('measure how fast models are on this machine: every device that works, stage by stage')
    .argument('[models...]', 'installed models, model folders or URLs, such as a model and its int8 form', [
      DEFAULT_MODEL,
    ])
    .option('--devices <names>', 'devices, separated by commas (default: all that work here)', commaList)
    .addOption(
      new Option('--precisions <names>', 'what to compute in, separated by commas; each is measured')
        .argParser(listOf(['auto', ...PRECISIONS]))
        .default(['auto'], 'auto'),
    )
    .option('--photos <photos...>', 'files, folders or globs (default: three made-up pictures)')
    .option('--seconds <n>', 'how long to measure, all variants together', numberBetween(0, 86_400), 30)
    .option('--workers <n>', 'measure each model in a pool of so many workers, too', wholeNumber(1))
    .option('--json', 'print JSON')
    .addOption(
      new Option('--merge <files...>', 'print one table of what --json printed, here or elsewhere').conflicts([
        'devices',
        'precisions',
        'photos',
        'workers',
        'json',
      ]),
    )
    .addHelpText(
      'after',
      `
Variants take turns, so that whatever else the machine does meets all alike. Ctrl-C ends the measuring and prints what is there.

Examples:
  vertebra bench
  vertebra bench resnet101-voc resnet101-voc-int8 --photos photos/ --workers 4
  vertebra bench my-model-int8 --precisions float32,int8
  vertebra bench --json > mine.json
  vertebra bench --merge mine.json theirs.json

Exit codes: 0 all variants measured, 1 some failed, 2 wrong usage, 130 interrupted (SIGTERM 143, SIGHUP 129).`,
    )
    .action(async (models: string[], flags: BenchFlags) => {
      if (flags.merge === undefined) process.exitCode = await bench(models, flags, signal)
      else process.stdout.write(mergedTable(await Promise.all(flags.merge.map(readReport))))
    })
}

async function readReport(file: string): Promise<BenchReport> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new VertebraError('DATA_INVALID', `Expected to read ${file} but it failed: ${messageOf(cause)}.`, { cause })
  })
  return readBenchReport(text, file)
}

async function bench(models: readonly string[], flags: BenchFlags, signal: AbortSignal): Promise<number> {
  const devices = await devicesToMeasure(flags.devices)
  const sample = flags.photos === undefined ? await writeSamplePhotos() : undefined
  const processes: VariantProcess[] = []
  try {
    const photos = sample?.photos ?? (await photosOf(flags.photos ?? []))
    const sizes = []
    for (const photo of photos) {
      const size = await photoSize(photo)
      if (!size) throw unexpected('--photos', 'picture files', photo)
      sizes.push(size)
    }
    throwIfAborted(signal)
    const failed: BenchVariant[] = []
    for (const model of models) {
      for (const [device, precision] of devices.flatMap((device) =>
        flags.precisions.map((own) => [device, own] as const),
      )) {
        for (const workers of flags.workers === undefined ? [0] : [0, flags.workers]) {
          try {
            const script = [process.argv[1] ?? '', BENCH_VARIANT] as const
            processes.push(await startVariant(script, { model, device, precision, workers }, signal))
          } catch (error) {
            throwIfAborted(signal)
            const asked = precision === 'auto' ? null : precision
            failed.push({ ...NOTHING, model, device, precision: asked, workers, failure: messageOf(error) })
            // A pool of it would fail in the same way.
            break
          }
        }
      }
    }
    const bar = progressBar('s')
    const { seconds } = flags
    process.stderr.write(`Measuring for ${seconds} s; Ctrl-C ends it and prints what is there.\n`)
    const measured = await measureVariants(processes, photos, { seconds, signal, onProgress: bar.update }).finally(() =>
      bar.clear(),
    )
    const report: BenchReport = {
      format: 'vertebra-bench',
      version: 1,
      date: new Date().toISOString(),
      vertebra: packageJson.version,
      machine: describeMachine(),
      photos: sizes,
      interrupted: signal.aborted,
      variants: [...measured, ...failed],
    }
    process.stdout.write(flags.json ? json(report) : benchTable(report))
    throwIfAborted(signal)
    return report.variants.some(({ failure }) => failure !== null) ? 1 : 0
  } finally {
    for (const { end } of processes) end()
    if (sample) await rm(sample.folder, { recursive: true, force: true })
  }
}

/** A variant that never began. */
const NOTHING = {
  sha256: null,
  runtime: null,
  load: null,
  memory: null,
  photos: 0,
  photosPerSecond: null,
  total: null,
  stages: null,
} as const

/** Devices that are named are tried, whatever `auto` would think of them. */
async function devicesToMeasure(names: readonly string[] | undefined): Promise<Device[]> {
  if (names !== undefined) {
    return names.map((name) => {
      const choice = checkDeviceChoice(name)
      if (choice === 'auto') throw unexpected('--devices', 'names of devices', name)
      return choice
    })
  }
  const runtime = await nodeRuntime()
  const devices: Device[] = []
  for (const device of runtime.devices) if ((await reportForAuto(runtime, device)).works) devices.push(device)
  return devices
}

async function photosOf(sources: readonly string[]): Promise<readonly string[]> {
  const { images, problems } = await expandSources(sources)
  const [problem] = problems
  if (problem) throw problem
  return images
}
