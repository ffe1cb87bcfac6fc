import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { MANIFEST_FILE, type ModelOutput, manifestJson } from '../convert/store-model.ts'
import type { OpenDataset } from '../datasets/open-dataset.node.ts'
import { unexpected, VertebraError } from '../errors.ts'
import type { Dataset } from '../formats/index.ts'
import { baseName } from '../formats/names.ts'
import { decodeImage } from '../images/decode.node.ts'
import { expandSources } from '../images/sources.node.ts'
import { type LoadedModel, openModel } from '../models/load.ts'
import { locateModel } from '../models/locate.node.ts'
import type { Manifest } from '../models/manifest.ts'
import { requireTask } from '../models/task.ts'
import { encodeModel } from '../onnx/codec.ts'
import { type QuantizedDetector, quantizeDetector, spread } from '../quantize/quantize-detector.ts'
import { nodeRuntime } from '../runtime/node.ts'
import { DATASET_KINDS, imagesOption, openShown, splitOption } from './dataset-options.ts'
import { checkClasses } from './eval-classes.ts'
import { json } from './json.ts'
import { isSamePlace } from './keep-inputs.ts'
import { oneLine } from './one-line.ts'
import { threadsOption, wholeNumber } from './options.ts'
import { progressBar } from './progress-bar.ts'
import { accuracyOf } from './quantize-accuracy.ts'
import { type AccuracyChange, reportText } from './quantize-report.ts'
import { writeModel } from './write-model.ts'
import { writeWhole } from './write-whole.ts'

interface QuantizeFlags {
  readonly data: string
  readonly out: string
  readonly images?: string
  readonly split?: string
  readonly photos: number
  readonly score: number
  readonly threads?: number
  readonly json?: boolean
}

export function quantizeCommand(signal: AbortSignal): Command {
  return new Command('quantize')
    .description('make the int8 form of a model, with ranges measured on photos')
    .argument('<model>', 'name of an installed model, a model folder, or a URL')
    .requiredOption('--data <path>', 'photos (a folder, a glob, a file), or a dataset')
    .requiredOption('-o, --out <folder>', 'where the new model folder goes')
    .option('--photos <n>', 'photos that ranges are measured on', wholeNumber(1), 32)
    .option(
      '--score <n>',
      'photos of a dataset that AP is measured on, before and after; 0 for none',
      wholeNumber(0),
      100,
    )
    .addOption(imagesOption())
    .addOption(splitOption())
    .addOption(threadsOption())
    .option('--json', 'print the whole report, with every value, as JSON')
    .addHelpText(
      'after',
      `
${DATASET_KINDS}

Photos are taken from all over the data: those that AP is measured on are others than those of the ranges, where there are
enough. Take photos of the kind that the model is for.

Examples:
  vertebra quantize resnet101-voc --data photos/ --out resnet101-voc-int8
  vertebra quantize resnet101-voc --data VOCdevkit/VOC2012 --split val --out resnet101-voc-int8 --json > report.json

Exit codes: 0 written, 1 failed, 2 wrong usage, 130 interrupted (SIGTERM 143, SIGHUP 129).`,
    )
    .action((model: string, flags: QuantizeFlags) => quantize(model, flags, signal))
}

async function quantize(name: string, flags: QuantizeFlags, signal: AbortSignal): Promise<void> {
  const model = await openModel(await locateModel(name), { signal })
  if (await isSamePlace(flags.out, model.origin)) throw unexpected('--out', 'another folder than the model', flags.out)
  const data = await openData(flags, signal)
  const labels = requireTask(model.manifest, 'detect').labels.map(({ name }) => name)
  if (data.scored) checkClasses(labels, data.scored.dataset) // before the minutes of calibrating
  const make = (save: ModelOutput['save']) => quantizeTo(save, model, data, flags, signal)
  const quantized = await writeModel(flags.out, data.files, make, signal)
  // The model is there by now, and stays if scoring fails or is interrupted.
  const change = data.scored && (await accuracyChange(model.origin, data.scored, flags, signal))
  if (change) await writeWhole(join(flags.out, MANIFEST_FILE), withMetrics(quantized, change, flags))
  const { report, manifest } = quantized
  const megabytes = [...quantized.files.values()].reduce((sum, content) => sum + content.byteLength, 0) / 1e6
  process.stdout.write(
    flags.json
      ? json({ model: manifest.name, data: flags.data, ...report, accuracy: change ?? null })
      : `${reportText(report, change)}\n${flags.out}: ${manifest.name}, ${megabytes.toFixed(1)} MB\n`,
  )
}

async function quantizeTo(
  save: ModelOutput['save'],
  model: LoadedModel,
  data: CalibrationData,
  { threads }: QuantizeFlags,
  signal: AbortSignal,
): Promise<QuantizedDetector> {
  const runtime = await nodeRuntime()
  const bar = progressBar('steps')
  const quantized = await quantizeDetector(
    model,
    data.photos.map((path) => ({ name: baseName(path), decode: () => decodeImage(path, { signal }) })),
    (graph) => runtime.open(encodeModel(graph), 'cpu', { threads }),
    { signal, onProgress: bar.update },
  ).finally(() => bar.clear())
  for (const [name, content] of quantized.files) await save(name, content)
  for (const warning of [...data.warnings, ...quantized.report.warnings])
    process.stderr.write(`warning: ${oneLine(warning)}\n`)
  return quantized
}

/** The photos that ranges come from, and those that AP is measured on. */
interface CalibrationData {
  readonly photos: readonly string[]
  /** Of annotations. */
  readonly files: Iterable<string>
  readonly scored?: { readonly opened: OpenDataset; readonly dataset: Dataset }
  readonly warnings: readonly string[]
}

async function openData(flags: QuantizeFlags, signal: AbortSignal): Promise<CalibrationData> {
  if (!(await isDataset(flags.data))) {
    const { images, problems } = await expandSources([flags.data])
    if (images.length === 0) {
      const why = problems[0]?.message ?? 'there are none.'
      throw new VertebraError('DATA_INVALID', `Expected photos in ${flags.data}: ${why}`)
    }
    return { photos: spread(images, flags.photos), files: [], warnings: problems.map(({ message }) => message) }
  }
  const opened = await openShown(flags.data, flags, { signal })
  const { images, annotations } = opened.dataset
  if (images.length === 0)
    throw new VertebraError('DATA_INVALID', `Expected photos in ${flags.data} but there are none.`)
  const calibrating = new Set(spread(images, flags.photos))
  const photos = [...calibrating].map(({ file_name }) => opened.photoPath(file_name))
  if (flags.score === 0 || annotations.length === 0) return { photos, files: opened.files, warnings: [] }
  const others = images.filter((image) => !calibrating.has(image))
  const isEnough = others.length >= Math.min(flags.score, images.length / 2)
  const scored = spread(isEnough ? others : images, flags.score)
  const ids = new Set(scored.map(({ id }) => id))
  const dataset = {
    ...opened.dataset,
    images: scored,
    annotations: annotations.filter(({ image_id }) => ids.has(image_id)),
  }
  const warnings = isEnough ? [] : ['AP is measured on photos that ranges were measured on, as there are too few.']
  return { photos, files: opened.files, scored: { opened, dataset }, warnings }
}

/** A JSON file, `data.yaml`, or a folder that is laid out as one of the formats. */
async function isDataset(path: string): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined)
  if (entry?.isFile()) return /\.(json|yaml)$/.test(path)
  const names = entry?.isDirectory() ? await readdir(path) : []
  return names.includes('Annotations') || names.includes('data.yaml') || names.some((name) => name.endsWith('.json'))
}

async function accuracyChange(
  before: string,
  { opened, dataset }: NonNullable<CalibrationData['scored']>,
  flags: QuantizeFlags,
  signal: AbortSignal,
): Promise<AccuracyChange> {
  const bar = progressBar('photos')
  const options = { threads: flags.threads, signal, onProgress: bar.update }
  try {
    return {
      photos: dataset.images.length,
      before: await accuracyOf(before, 'float32', opened, dataset, options),
      after: await accuracyOf(flags.out, 'int8', opened, dataset, options),
    }
  } finally {
    bar.clear()
  }
}

/** The manifest with what was measured. */
function withMetrics(
  { manifest }: QuantizedDetector,
  { photos, after }: AccuracyChange,
  flags: QuantizeFlags,
): Uint8Array {
  const line = (metric: string, value: number): Manifest['metrics'][number] => ({
    dataset: `${photos} photos of ${baseName(resolve(flags.data))}`,
    metric,
    value: Math.round(value * 1e4) / 100,
    command: `vertebra quantize --data ${flags.data} --photos ${flags.photos} --score ${flags.score}`,
  })
  const metrics = [line('COCO AP', after.AP), line('COCO AP50', after.AP50), line('VOC mAP', after.vocMAP)]
  const scored = { ...manifest, metrics: metrics.filter(({ value }) => value >= 0) }
  return new TextEncoder().encode(manifestJson(scored))
}
