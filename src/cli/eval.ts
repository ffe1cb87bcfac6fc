import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { OpenDataset } from '../datasets/open-dataset.node.ts'
import { subset } from '../datasets/subset.ts'
import type { PrecisionChoice } from '../detector/precision.ts'
import { VertebraError } from '../errors.ts'
import {
  type CocoResult,
  cocoResults,
  countProblems,
  type Dataset,
  type DatasetProblem,
  writeCocoResults,
} from '../formats/index.ts'
import { baseName, stemOf } from '../formats/names.ts'
import { loadDetector } from '../load/node.ts'
import type { DeviceChoice } from '../runtime/runtime.ts'
import { DATASET_KINDS, imagesOption, openShown, splitOption } from './dataset-options.ts'
import { problemList } from './dataset-problems.ts'
import { checkClasses, toDatasetClasses } from './eval-classes.ts'
import { detectDataset } from './eval-detect.ts'
import { readResults } from './eval-results.ts'
import { score, scoresJson } from './eval-scores.ts'
import { scoreTables } from './eval-tables.ts'
import { json } from './json.ts'
import { keepInputs } from './keep-inputs.ts'
import { oneLine } from './one-line.ts'
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
import { progressBar } from './progress-bar.ts'
import { removeUnfinished } from './unfinished-results.ts'
import { checkFileWritable, writeWhole } from './write-whole.ts'

interface EvalFlags {
  readonly data: string
  readonly images?: string
  readonly split?: string
  readonly limit?: number
  readonly classes?: string[]
  readonly model: string
  readonly device: DeviceChoice
  readonly precision: PrecisionChoice
  readonly threads?: number
  readonly inputSize?: number
  readonly minScore?: number
  readonly out?: string
  readonly results?: string
  readonly at: number
  readonly iou: number
  readonly vocMethod: '11-point' | 'every-point'
  readonly confusion?: boolean
  readonly errors?: boolean
  readonly json?: boolean
}

/** What is scored, and what is to be said about it. */
interface Outcome {
  readonly results: readonly CocoResult[]
  /** What produced the results, for the JSON form. */
  readonly about: Readonly<Record<string, unknown>>
  readonly warnings: readonly string[]
  readonly problems: readonly DatasetProblem[]
  /** Photos without results. */
  readonly failed: number
}

export function evalCommand(signal: AbortSignal): Command {
  return new Command('eval')
    .description('score a model, or results from anywhere, on a dataset')
    .requiredOption('--data <dataset>', 'COCO file, VOC folder or YOLO folder')
    .addOption(modelOption())
    .addOption(
      new Option(
        '-r, --results <path>',
        'score these: a COCO results file, or a folder of comp4_det_test_<class>.txt',
      ).conflicts(['model', 'minScore', 'device', 'precision', 'threads', 'inputSize', 'out']),
    )
    .addOption(imagesOption())
    .addOption(splitOption())
    .option('--limit <n>', 'only the first n photos, for a quick look', wholeNumber(1))
    .option('-c, --classes <names>', "only these of the dataset's classes, separated by commas", commaList)
    .option('-o, --out <file>', 'where to write the COCO results (default: <model>-<dataset>.json)')
    .option('-s, --min-score <p>', "least score that is detected (default: the model's)", numberBetween(0, 1))
    .option('--at <p>', 'score for precision, recall, F1 and --confusion', numberBetween(0, 1), 0.5)
    .option('--iou <p>', 'IoU from which a result is right, for all but COCO AP', iouThreshold, 0.5)
    .addOption(
      new Option('--voc-method <method>', "VOC's average precision")
        .choices(['every-point', '11-point'])
        .default('every-point'),
    )
    .option('--confusion', 'also what each class is taken for')
    .option('--errors', 'also what kinds of error there are')
    .option('--json', 'print JSON')
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(inputSizeOption())
    .addHelpText(
      'after',
      `
${DATASET_KINDS}

A run that was stopped goes on where it was when the same command is given again: what is done is kept in <out>.unfinished until
all photos are done.

Examples:
  vertebra eval --model resnet101-voc --data VOCdevkit/VOC2012 --split val --out results.json
  vertebra eval --results results.json --data instances_val2017.json --errors
  vertebra eval --results results/VOC2012/Main --data VOCdevkit/VOC2012 --split val --voc-method 11-point

Exit codes: 0 scored, 1 failed, or some photos could not be read (they are listed, and count as photos where nothing was found),
2 wrong usage, 130 interrupted (SIGTERM 143, SIGHUP 129).`,
    )
    .action(async (flags: EvalFlags) => {
      process.exitCode = await evaluate(flags, signal)
    })
}

async function evaluate(flags: EvalFlags, signal: AbortSignal): Promise<number> {
  const opened = await openShown(flags.data, flags, { signal })
  if (flags.out !== undefined) await keepInputs('--out', [flags.out], opened.files)
  const dataset = subset(opened.dataset, flags)
  if (dataset.images.length === 0 || dataset.categories.length === 0) {
    const what = `${dataset.images.length} images and ${dataset.categories.length} classes`
    throw new VertebraError('DATA_INVALID', `Expected images and classes in ${flags.data} but received ${what}.`)
  }
  process.stderr.write(problemList(opened.problems))
  const outcome =
    flags.results === undefined
      ? await detected(opened, dataset, flags, signal)
      : await given(flags.results, opened, dataset, signal)
  const scores = score(dataset, outcome.results, {
    iou: flags.iou,
    at: flags.at,
    vocMethod: flags.vocMethod === '11-point' ? 'eleven-point' : 'every-point',
    confusion: flags.confusion === true,
    errors: flags.errors === true,
  })
  const warnings = [...outcome.warnings, ...scores.coco.warnings]
  const problems = [...opened.problems, ...outcome.problems]
  if (flags.json) {
    const about = { data: flags.data, ...outcome.about, failed: outcome.failed }
    const counts = Object.fromEntries(countProblems(problems))
    const report = { ...about, problems: counts, warnings, ...scoresJson(scores) }
    process.stdout.write(json(report))
  } else {
    process.stdout.write(scoreTables(scores))
  }
  for (const warning of warnings) process.stderr.write(`warning: ${oneLine(warning)}\n`)
  return outcome.failed > 0 ? 1 : 0
}

/** The results of a model on the photos, also written as COCO results. */
async function detected(
  opened: OpenDataset,
  dataset: Dataset,
  flags: EvalFlags,
  signal: AbortSignal,
): Promise<Outcome> {
  const loading = progressBar('steps')
  const load = {
    device: flags.device,
    precision: flags.precision,
    threads: flags.threads,
    inputSize: flags.inputSize,
    signal,
    onProgress: loading.update,
  }
  await using detector = await loadDetector(flags.model, load).finally(() => loading.clear())
  checkClasses(detector.labels, dataset)
  const out = flags.out ?? `${detector.manifest.name}-${stemOf(resolve(flags.data))}.json`
  const unfinished = `${out}.unfinished`
  await checkFileWritable(out)
  const bar = progressBar('photos')
  const start = performance.now()
  let done = 0
  const run = await detectDataset(detector, opened, dataset, {
    minScore: flags.minScore,
    data: flags.data,
    unfinished,
    signal,
    onResume(before, total) {
      bar.clear()
      process.stderr.write(`Going on after ${before} of ${total} photos.\n`)
    },
    onProgress(progress) {
      done = progress.done
      bar.update({ ...progress, item: baseName(progress.item ?? '') })
    },
  }).catch((error: unknown) => {
    bar.clear()
    if (signal.aborted)
      process.stderr.write(`What is done is kept in ${unfinished}; the same command goes on from there.\n`)
    throw error
  })
  bar.clear()
  const seconds = (performance.now() - start) / 1000
  const ids = dataset.images.map(({ id }) => id)
  const imageId = (file: string): number | string => ids[Number(file)] ?? file
  const { images, warnings } = toDatasetClasses(run.images, detector.labels, opened.dataset, dataset)
  await writeWhole(out, writeCocoResults(images, { imageId }))
  // Photos that failed are tried again by the next run, which need not do the others again.
  if (run.others === 0 && run.failed === 0) await removeUnfinished(unfinished)
  if (run.others > 0) {
    process.stderr.write(`${unfinished} stays: it holds ${run.others} photos that are not of this run.\n`)
  }
  process.stderr.write(problemList(run.problems))
  const { device } = detector.device
  const { precision } = detector
  process.stderr.write(
    `${done} photos in ${seconds.toFixed(1)} s on ${device} in ${precision}; results written to ${out}\n`,
  )
  return {
    results: cocoResults(images, { imageId }),
    about: {
      model: detector.manifest.name,
      device,
      precision,
      minScore: flags.minScore ?? detector.manifest.head.scoreThreshold,
      ...(flags.inputSize !== undefined && { inputSize: flags.inputSize }),
    },
    warnings: [...warnings, ...doubts(run)],
    problems: run.problems,
    failed: run.failed,
  }
}

function doubts({ problems, failed }: { problems: readonly DatasetProblem[]; failed: number }): string[] {
  const resized = countProblems(problems).get('image-size') ?? 0
  const warnings: string[] = []
  if (failed > 0) warnings.push(`${failed} photos could not be read: they count as photos where nothing was found.`)
  if (resized > 0) {
    warnings.push(`${resized} photos are of another size than the annotations say: their boxes cannot be right.`)
  }
  return warnings
}

/** Results of another program, or of an earlier run. */
async function given(path: string, opened: OpenDataset, dataset: Dataset, signal: AbortSignal): Promise<Outcome> {
  const bar = progressBar('MB')
  const { results, warnings } = await readResults(path, opened.dataset, { signal, onProgress: bar.update })
  bar.clear()
  // With --limit or --classes the results of the other photos and classes are no results here.
  const others = (all: readonly { id: number | string }[], some: readonly { id: number | string }[]): Set<unknown> => {
    const kept = new Set(some.map(({ id }) => id))
    return new Set(all.map(({ id }) => id).filter((id) => !kept.has(id)))
  }
  const images = others(opened.dataset.images, dataset.images)
  const categories = others(opened.dataset.categories, dataset.categories)
  return {
    results: results.filter(({ image_id, category_id }) => !images.has(image_id) && !categories.has(category_id)),
    about: { resultsFile: path },
    warnings,
    problems: [],
    failed: 0,
  }
}

function iouThreshold(text: string): number {
  if (Number(text) > 0 && Number(text) <= 1) return Number(text)
  throw new InvalidArgumentError(`Expected a number above 0 and at most 1 but received "${text}".`)
}
