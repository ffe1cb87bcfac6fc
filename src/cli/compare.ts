import { extname } from 'node:path'
import { Command, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import type { Comparison } from '../compare/comparison.ts'
import { mostDifferent } from '../compare/disagreement.ts'
import { commonLevel, comparePhoto, type PhotoToCompare } from '../compare/photos.node.ts'
import { renderReport, verdict } from '../compare/report/report.ts'
import { compareScores } from '../compare/scores.ts'
import { openDataset } from '../datasets/open-dataset.node.ts'
import { subset } from '../datasets/subset.ts'
import { PRECISIONS } from '../detector/in-precision.ts'
import type { PrecisionChoice } from '../detector/precision.ts'
import { unexpected, VertebraError } from '../errors.ts'
import { baseName } from '../formats/names.ts'
import type { Detection } from '../heads/detection.ts'
import { DEVICES, type DeviceChoice } from '../runtime/runtime.ts'
import { detectWithAll, samplePhotos, usualSize } from './compare-dataset.ts'
import { type Contender, loadContenders, measureModels, sideBySide } from './compare-models.ts'
import { comparisonTable, photoTable } from './compare-table.ts'
import { DATASET_KINDS, imagesOption, splitOption } from './dataset-options.ts'
import { problemList } from './dataset-problems.ts'
import { keepInputs } from './keep-inputs.ts'
import { oneLine } from './one-line.ts'
import { commaList, listOf, numberBetween, threadsOption, wholeNumber } from './options.ts'
import { progressBar } from './progress-bar.ts'
import { checkFileWritable, writeWhole } from './write-whole.ts'

interface CompareFlags {
  readonly models: string[]
  readonly data?: string
  readonly images?: string
  readonly split?: string
  readonly limit?: number
  readonly device: DeviceChoice[]
  readonly precision: PrecisionChoice[]
  readonly threads?: number
  readonly minScore?: number
  readonly at: number
  readonly photos: number
  readonly level?: string
  readonly out: string
}

/** Photos that times are measured on. */
const TIMED = 10
const REPEATS = 5

export function compareCommand(signal: AbortSignal): Command {
  return new Command('compare')
    .description('compare models on a dataset or a photo, as a table and as a page to look at')
    .argument('[photo]', 'compare on this photo only: a file or URL')
    .requiredOption('-m, --models <models>', 'two to six models separated by commas: names or model folders', commaList)
    .option('--data <dataset>', 'compare on this dataset: COCO file, VOC folder or YOLO folder')
    .addOption(imagesOption())
    .addOption(splitOption())
    .option('--limit <n>', 'only the first n photos, for a quick look', wholeNumber(1))
    .option('-o, --out <file>', 'the page to write', 'comparison.html')
    .option('-s, --min-score <p>', "least score that is detected (default: each model's)", numberBetween(0, 1))
    .option('--at <p>', 'score from which boxes are drawn and F1 is counted', numberBetween(0, 1), 0.5)
    .option('--photos <n>', 'how many photos to show, those where the models differ most', wholeNumber(0), 6)
    .option('--level <name>', 'feature level of the heat maps (default: the one of stride 16)')
    .addOption(
      new Option('--device <devices>', 'where to run: one for all, or one per model, separated by commas')
        .argParser(listOf(['auto', ...DEVICES]))
        .default(['auto'], 'auto'),
    )
    .addOption(
      new Option('--precision <precisions>', 'what to compute in: one for all, or one per model, separated by commas')
        .argParser(listOf(['auto', ...PRECISIONS]))
        .default(['auto'], 'auto'),
    )
    .addOption(threadsOption())
    .addHelpText(
      'after',
      `
Differences are to the first model. ${DATASET_KINDS}

Detections are kept in <out>-results, one file per model, and used again by the next run: a run that was stopped goes on where it
was. Remove the folder when it is no longer needed.

Examples:
  vertebra compare --models resnet101-voc,my-model --data VOCdevkit/VOC2012 --split val
  vertebra compare street.jpg --models resnet101-voc,my-model --out street.html
  vertebra compare --models resnet101-voc --device cpu,webgpu --data instances.json --limit 50
  vertebra compare --models my-model-int8 --precision float32,int8 --data instances.json

Exit codes: 0 compared, 1 failed, or some photos could not be read (they count as photos where nothing was found), 2 wrong usage,
130 interrupted (SIGTERM 143, SIGHUP 129).`,
    )
    .action(async (photo: string | undefined, flags: CompareFlags) => {
      process.exitCode = await compare(photo, flags, signal)
    })
}

async function compare(photo: string | undefined, flags: CompareFlags, signal: AbortSignal): Promise<number> {
  if ((photo === undefined) === (flags.data === undefined)) {
    throw new VertebraError('INVALID_ARGUMENT', 'Expected either a photo or --data to compare on.')
  }
  const wanted = sideBySide(flags.models, flags.device, flags.precision, flags.threads)
  await checkFileWritable(flags.out)
  if (photo !== undefined) await keepInputs('--out', [flags.out], [photo])
  const contenders = await loadContenders(wanted, signal)
  try {
    const level = flags.level ?? commonLevel(contenders.map(({ detector }) => detector.backbone))
    checkLevel(contenders, flags.level)
    const { comparison, failed } =
      photo === undefined
        ? await onDataset(flags.data ?? '', contenders, level, flags, signal)
        : await onPhoto(photo, contenders, level, flags, signal)
    const made = `${new Date().toISOString().slice(0, 10)} by vertebra ${packageJson.version}`
    await writeWhole(flags.out, renderReport(comparison, made))
    process.stdout.write(`${comparisonTable(comparison)}\n${verdict(comparison)}\n`)
    for (const warning of comparison.warnings) process.stderr.write(`warning: ${oneLine(warning)}\n`)
    process.stderr.write(`To look at: ${flags.out}\n`)
    return failed > 0 ? 1 : 0
  } finally {
    for (const { detector } of contenders) await detector.dispose()
  }
}

interface Outcome {
  readonly comparison: Comparison
  /** Photos that could not be read. */
  readonly failed: number
}

async function onDataset(
  data: string,
  contenders: readonly Contender[],
  level: string | undefined,
  flags: CompareFlags,
  signal: AbortSignal,
): Promise<Outcome> {
  const reading = progressBar('MB')
  const opened = await openDataset(data, {
    photos: flags.images,
    split: flags.split,
    signal,
    onProgress: reading.update,
  }).finally(() => reading.clear())
  await keepInputs('--out', [flags.out], opened.files)
  const dataset = subset(opened.dataset, { limit: flags.limit })
  process.stderr.write(problemList(opened.problems))
  const size = usualSize(dataset)
  const kept = `${flags.out.slice(0, flags.out.length - extname(flags.out).length)}-results`
  const found = await detectWithAll(contenders, opened, dataset, { data, minScore: flags.minScore, kept, signal })
  process.stderr.write(problemList(found[0]?.problems ?? []))
  const readable = dataset.images.filter((_, i) => found.every((own) => own.readable[i]))
  const timed = samplePhotos(readable, TIMED).map(({ file_name }) => opened.photoPath(file_name))
  const models = await measureModels(contenders, timed, size, flags.minScore, signal)
  const scoring = progressBar('steps')
  const results = found.map((own) => own.results)
  const scores = await compareScores(dataset, results, { at: flags.at, signal, onProgress: scoring.update }).finally(
    () => scoring.clear(),
  )
  const shown = mostDifferent(
    found.map(({ perImage }) => perImage),
    flags.photos,
  ).map((i): PhotoToCompare => {
    const { id, file_name } = dataset.images[i] as (typeof dataset.images)[number]
    return {
      name: file_name,
      input: opened.photoPath(file_name),
      detections: found.map(({ perImage }) => perImage[i] ?? []),
      truth: {
        annotations: dataset.annotations.filter(({ image_id }) => image_id === id),
        categories: dataset.categories,
      },
    }
  })
  const photos = await draw(shown, contenders, level, flags, signal)
  const cuts = new Set(models.map(({ minScore }) => minScore))
  const warnings = [
    ...found.flatMap((own) => own.warnings),
    ...scores.warnings,
    ...scores.models.flatMap(({ coco }, m) => coco.warnings.map((warning) => `${contenders[m]?.name}: ${warning}`)),
    ...(cuts.size > 1
      ? ['The models cut their detections at different scores; give --min-score to make them alike.']
      : []),
  ]
  const costs = { ...size, photos: timed.length }
  const subject = data
    .split(/[/\\]/)
    .filter(Boolean)
    .slice(opened.format === 'coco' ? -2 : -1)
    .join('/')
  return {
    comparison: { models, subject, scores, photos, costs, warnings },
    failed: Math.max(...found.map((own) => own.failed)),
  }
}

async function onPhoto(
  photo: string,
  contenders: readonly Contender[],
  level: string | undefined,
  flags: CompareFlags,
  signal: AbortSignal,
): Promise<Outcome> {
  const detections: (readonly Detection[])[] = []
  let size = { width: 0, height: 0 }
  for (const { detector } of contenders) {
    const result = await detector.detect(photo, { minScore: flags.minScore, signal })
    size = { width: result.width, height: result.height }
    detections.push(result.detections)
  }
  const models = await measureModels(contenders, Array(REPEATS).fill(photo), size, flags.minScore, signal)
  const name = baseName(photo)
  const photos = await draw([{ name, input: photo, detections }], contenders, level, flags, signal)
  process.stdout.write(
    `${photoTable(
      contenders.map((own) => own.name),
      detections,
      flags.at,
    )}\n`,
  )
  const costs = { ...size, photos: REPEATS }
  return { comparison: { models, subject: name, scores: undefined, photos, costs, warnings: [] }, failed: 0 }
}

async function draw(
  photos: readonly PhotoToCompare[],
  contenders: readonly Contender[],
  level: string | undefined,
  { at }: CompareFlags,
  signal: AbortSignal,
): Promise<Comparison['photos']> {
  const bar = progressBar('photos')
  const backbones = contenders.map(({ detector }) => detector.backbone)
  const drawn: Comparison['photos'][number][] = []
  try {
    for (const [i, photo] of photos.entries()) {
      drawn.push(await comparePhoto(photo, backbones, { at, level, signal }))
      bar.update({ phase: 'draw', done: i + 1, total: photos.length, item: photo.name })
    }
  } finally {
    bar.clear()
  }
  return drawn
}

function checkLevel(contenders: readonly Contender[], level: string | undefined): void {
  if (level === undefined) return
  for (const { detector, name } of contenders) {
    const levels = detector.backbone.features.map((feature) => feature.name)
    if (!levels.includes(level)) throw unexpected('--level', `a level of ${name} (${levels.join(', ')})`, level)
  }
}
