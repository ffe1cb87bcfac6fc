import { extname, join } from 'node:path'
import { Command, Option } from 'commander'
import { type DetectAllOptions, type DetectOutcome, detectAll } from '../detector/detect-all.ts'
import type { Detector } from '../detector/detector.ts'
import { NMS_KINDS, type NmsKind } from '../detector/options.ts'
import type { PrecisionChoice } from '../detector/precision.ts'
import { drawDetections, pictureFormat } from '../draw/index.node.ts'
import { messageOf } from '../errors.ts'
import { writeTable } from '../formats/index.ts'
import type { ImageDetections } from '../heads/detection.ts'
import type { ImageInput } from '../images/index.node.ts'
import { expandSources } from '../images/sources.node.ts'
import { loadDetector } from '../load/node.ts'
import { createPool } from '../pool/create-pool.node.ts'
import type { DetectorPool } from '../pool/pool.node.ts'
import type { DeviceChoice } from '../runtime/runtime.ts'
import { reportFailures } from './each-picture.ts'
import { imageIds } from './image-ids.ts'
import { keepInputs } from './keep-inputs.ts'
import {
  commaList,
  deviceOption,
  inputSizeOption,
  modelOption,
  numberBetween,
  precisionOption,
  threadsOption,
  wholeNumber,
} from './options.ts'
import { outputNames } from './output-names.ts'
import { type ProgressBar, progressBar } from './progress-bar.ts'
import { checkOutput, isFolderFormat, RESULT_FORMATS, type ResultFormat, resultText, writeResults } from './results.ts'
import { readStandardInput } from './standard-input.ts'
import { printable } from './text-table.ts'
import { checkFileWritable, checkWritable, writeWhole } from './write-whole.ts'

interface DetectFlags {
  readonly model: string
  readonly device: DeviceChoice
  readonly precision: PrecisionChoice
  readonly threads?: number
  readonly inputSize?: number
  readonly minScore?: number
  readonly classes?: string[]
  readonly max?: number
  readonly nms?: NmsKind
  readonly iou?: number
  readonly format: ResultFormat
  readonly out?: string
  readonly draw?: string
  readonly ids?: string
  readonly batch: number
  readonly workers?: number
}

/** What a person wants to look at; files for scoring keep everything down to the model's own cut. */
const VIEW_SCORE = 0.5

export function detectCommand(signal: AbortSignal): Command {
  return new Command('detect')
    .description('find the objects in photos')
    .argument('<photos...>', 'files, folders, globs, URLs, or - for standard input')
    .addOption(modelOption())
    .addOption(new Option('-f, --format <format>', 'what to print or write').choices(RESULT_FORMATS).default('table'))
    .option('-o, --out <path>', 'write the results to this file (voc and yolo: into this folder)')
    .option('-d, --draw <path>', 'draw the boxes: into this folder, or for one photo to this file')
    .option(
      '-s, --min-score <p>',
      `least score (default: ${VIEW_SCORE} for the table and drawings, else the model's)`,
      numberBetween(0, 1),
    )
    .option('-c, --classes <names>', 'only these labels, separated by commas', commaList)
    .option('--max <n>', 'most objects per photo', wholeNumber(1))
    .addOption(new Option('--nms <kind>', 'how overlapping boxes are thinned out').choices(NMS_KINDS))
    .option('--iou <p>', 'overlap above which the weaker box goes, or with soft NMS loses score', numberBetween(0, 1))
    .option('--ids <instances.json>', 'COCO annotations that give each file its image id, for --format coco')
    .option('--batch <n>', 'photos that go through the network together', wholeNumber(1), 1)
    .addOption(
      new Option('--workers <n>', 'photos at the same time, each in a process that has its own copy of the model')
        .argParser(wholeNumber(1))
        .conflicts('batch'),
    )
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(inputSizeOption())
    .addHelpText(
      'after',
      `
Examples:
  vertebra detect street.jpg --draw street-boxes.png
  vertebra detect photos/ --format coco --out results.json
  vertebra detect 'photos/*.jpg' --classes person,car --min-score 0.7
  curl -s https://example.org/cat.jpg | vertebra detect -

Exit codes: 0 all photos done, 1 some failed (the others are done and written), 2 wrong usage,
130 interrupted (SIGTERM 143, SIGHUP 129).`,
    )
    .action(async (photos: string[], flags: DetectFlags) => {
      process.exitCode = await detect(photos, flags, signal)
    })
}

async function detect(photos: readonly string[], flags: DetectFlags, signal: AbortSignal): Promise<number> {
  const { images, problems } = await expandSources(photos)
  checkOutput(flags.format, flags.out, images.length)
  // Found out now, not after an hour of work.
  const ids = flags.ids === undefined ? undefined : await imageIds(flags.ids, images)
  const inputs = flags.ids === undefined ? images : [...images, flags.ids]
  const drawings = flags.draw === undefined ? undefined : drawingPaths(flags.draw, images)
  await keepInputs('--draw', drawings ?? [], inputs)
  if (flags.out !== undefined) {
    await keepInputs('--out', [flags.out], inputs)
    await (isFolderFormat(flags.format) ? checkWritable(flags.out) : checkFileWritable(flags.out))
  }
  const failures: string[] = problems.map((problem) => problem.message)
  const bar = progressBar('photos')
  const results: ImageDetections[] = []
  let interrupted: unknown
  let detector: Detector<ImageInput> | DetectorPool<ImageInput> | undefined
  const start = performance.now()
  try {
    if (images.length > 0) {
      const { device, precision, threads, inputSize } = flags
      const options = { device, precision, threads, inputSize, signal, onProgress: bar.update }
      detector = await (flags.workers === undefined
        ? loadDetector(flags.model, options)
        : createPool(flags.model, { ...options, size: flags.workers }))
      const draw = drawings === undefined ? undefined : drawer(drawings, flags.minScore ?? VIEW_SCORE)
      for await (const outcome of outcomes(detector, images, flags, signal, bar)) {
        const file = images[outcome.index] ?? ''
        if ('error' in outcome) {
          failures.push(named(file, outcome.error.message))
          continue
        }
        const { width, height, detections } = outcome.result
        const result = { file: file === '-' ? 'stdin' : file, width, height, detections }
        results.push(result)
        if (flags.format === 'table' && flags.out === undefined) {
          bar.clear()
          process.stdout.write(writeTable([result]))
        }
        try {
          await draw?.(outcome, result)
        } catch (error) {
          failures.push(named(file, messageOf(error)))
        }
      }
    }
  } catch (error) {
    // Results that are there already are still written.
    if (!signal.aborted) throw error
    interrupted = error
  } finally {
    bar.clear()
    await detector?.dispose()
  }
  const seconds = (performance.now() - start) / 1000
  if (detector) {
    const context = {
      labels: detector.labels,
      imageId: ids && ((file: string) => ids.get(file) ?? file),
      about: { model: detector.manifest.name, device: detector.device, precision: detector.precision },
    }
    if (flags.out !== undefined) await writeResults(flags.format, flags.out, results, context)
    else if (flags.format !== 'table') process.stdout.write(resultText(flags.format, results, context))
    process.stderr.write(`${summary(results, seconds, detector, flags)}\n`)
  }
  reportFailures(failures)
  if (interrupted) throw interrupted
  return failures.length > 0 ? 1 : 0
}

/** Photos one after another. Standard input can be read only once, so its bytes are kept. */
async function* outcomes(
  detector: Detector<ImageInput> | DetectorPool<ImageInput>,
  images: readonly string[],
  flags: DetectFlags,
  signal: AbortSignal,
  bar: ProgressBar,
): AsyncGenerator<DetectOutcome<ImageInput>> {
  const inputs: ImageInput[] = []
  for (const image of images) inputs.push(image === '-' ? await readStandardInput(signal) : image)
  const options: DetectAllOptions = {
    minScore: flags.minScore ?? (flags.format === 'table' ? VIEW_SCORE : undefined),
    classes: flags.classes,
    maxDetections: flags.max,
    nms: flags.nms,
    iouThreshold: flags.iou,
    batchSize: flags.batch,
    signal,
    onProgress: (progress) => {
      // A bar for one photo would only flicker.
      if (images.length > 1) bar.update(progress)
    },
  }
  yield* 'detectAll' in detector ? detector.detectAll(inputs, options) : detectAll(detector, inputs, options)
}

type DrawResult = (outcome: DetectOutcome<ImageInput>, result: ImageDetections) => Promise<void>

/** Where the drawing of each photo goes. */
function drawingPaths(target: string, images: readonly string[]): readonly string[] {
  if (images.length === 1 && extname(target) !== '') {
    pictureFormat(target) // a name that no picture can have is refused before the work
    return [target]
  }
  return outputNames(images.map((image) => (image === '-' ? 'stdin' : image))).map((name) =>
    join(target, `${name}.jpg`),
  )
}

function drawer(paths: readonly string[], minScore: number): DrawResult {
  return async ({ input, index }, { detections }) => {
    const path = paths[index] as string
    const visible = detections.filter(({ score }) => score >= minScore)
    await writeWhole(path, await drawDetections(input, visible, { format: pictureFormat(path) }))
    if (paths.length === 1) process.stderr.write(`Drawn: ${printable(path)}\n`)
  }
}

function summary(
  results: readonly ImageDetections[],
  seconds: number,
  { device, precision }: Pick<Detector<ImageInput>, 'device' | 'precision'>,
  flags: DetectFlags,
): string {
  const objects = results.reduce((sum, { detections }) => sum + detections.length, 0)
  const where = `${device.device} in ${precision}`
  const parts = [`${count(results.length, 'photo')}, ${count(objects, 'object')}, ${seconds.toFixed(1)} s on ${where}`]
  if (flags.out !== undefined) parts.push(`written to ${flags.out}`)
  if (flags.draw !== undefined && results.length > 1) parts.push(`drawn into ${flags.draw}`)
  return parts.join('; ')
}

const named = (file: string, message: string): string => (message.includes(file) ? message : `${file}: ${message}`)
const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`
