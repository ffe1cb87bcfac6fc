import { Command, Option } from 'commander'
import type { Size } from '../boxes/boxes.ts'
import { DATASET_FORMATS, type DatasetFormat, type OpenDataset } from '../datasets/open-dataset.node.ts'
import { sizesOf, withReasons } from '../datasets/photo-size.node.ts'
import {
  checkImageFiles,
  countProblems,
  type Dataset,
  type DatasetProblem,
  type DatasetSummary,
  summarizeDataset,
} from '../formats/index.ts'
import { throwIfAborted } from '../progress.ts'
import { DATASET_KINDS, imagesOption, openShown, splitOption } from './dataset-options.ts'
import { problemList } from './dataset-problems.ts'
import { checkDatasetOutput, writeDataset } from './dataset-write.ts'
import { json } from './json.ts'
import { keepInputs } from './keep-inputs.ts'
import { progressBar } from './progress-bar.ts'
import { textTable } from './text-table.ts'

interface DatasetFlags {
  readonly images?: string
  readonly split?: string
  readonly to?: DatasetFormat
  readonly out?: string
  readonly copyPhotos?: boolean
  readonly json?: boolean
}

export function datasetCommand(signal: AbortSignal): Command {
  return new Command('dataset')
    .description('sum up a dataset, say what is wrong with it, or convert it')
    .argument('<dataset>', 'COCO file, VOC folder or YOLO folder')
    .addOption(imagesOption())
    .addOption(splitOption())
    .addOption(new Option('--to <format>', 'convert to this format').choices(DATASET_FORMATS))
    .option('-o, --out <path>', 'where to convert to: a file for coco, a new folder for voc and yolo')
    .option('--copy-photos', 'voc and yolo: also copy the photos to their places in the new folder')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
${DATASET_KINDS}

Converting writes annotations. Photos stay where they are: the command says where the new format expects them, and --copy-photos
puts copies there.

Examples:
  vertebra dataset instances_val2017.json --images val2017
  vertebra dataset VOCdevkit/VOC2012 --split val --to coco --out voc2012-val.json
  vertebra dataset instances.json --to yolo --out yolo --copy-photos

Exit codes: 0 read (problems that were found are listed), 1 failed, 2 wrong usage.`,
    )
    .action((path: string, flags: DatasetFlags) => dataset(path, flags, signal))
}

async function dataset(path: string, flags: DatasetFlags, signal: AbortSignal): Promise<void> {
  const target = await checkDatasetOutput(flags)
  const opened = await openShown(path, flags, { keepOther: target !== undefined, signal })
  if (target) await keepInputs('--out', [target.out], opened.files)
  const files = await checkPhotos(opened, signal)
  const problems = [...opened.problems, ...files.problems]
  const summary = summarizeDataset(files.dataset)
  if (flags.json) process.stdout.write(json(summaryJson(opened, summary, problems)))
  else process.stdout.write(summaryText(opened, summary))
  process.stderr.write(problemList(problems) || 'No problems found.\n')
  if (target) process.stderr.write(await writeDataset({ ...opened, dataset: files.dataset }, target, signal))
}

/** Photos that are missing, unreadable or of another size; sizes that the annotations do not say come from the photos. */
async function checkPhotos(
  { dataset, photoPath }: OpenDataset,
  signal: AbortSignal,
): Promise<{ dataset: Dataset; problems: readonly DatasetProblem[] }> {
  const bar = progressBar('photos')
  const unreadable = new Map<string, string>()
  const sizes = new Map<string, Size>()
  const readSize = sizesOf(photoPath, unreadable)
  const sizeOf = async (fileName: string): Promise<Size | undefined> => {
    const size = await readSize(fileName)
    if (size) sizes.set(fileName, size)
    return size
  }
  const found = await checkImageFiles(dataset, sizeOf, { signal, onProgress: bar.update }).finally(() => bar.clear())
  throwIfAborted(signal)
  const images = dataset.images.map((image) => (image.width > 0 ? image : { ...image, ...sizes.get(image.file_name) }))
  return { dataset: { ...dataset, images }, problems: withReasons(found, unreadable) }
}

function summaryText({ format, photos }: OpenDataset, summary: DatasetSummary): string {
  const { smallest, largest, areas, splits } = summary
  const size = ({ width, height }: Size): string => `${width} x ${height}`
  const sizes = [...new Set([smallest, largest].flatMap((known) => (known ? [size(known)] : [])))]
  const rows = [
    ['format', format],
    ['photos', `${summary.images}, ${summary.imagesWithoutAnnotations} without objects, in ${photos}`],
    ['photo size', sizes.join(' to ') || 'unknown'],
    [
      'objects',
      `${summary.annotations}, of them ${summary.crowds} crowds, ${summary.difficult} difficult, ${summary.truncated} truncated`,
    ],
    [
      'object size',
      `${areas.small} small (below 32 x 32), ${areas.medium} medium, ${areas.large} large (from 96 x 96)`,
    ],
  ]
  if (splits.size > 0) rows.push(['splits', [...splits].map(([name, count]) => `${name} ${count}`).join(', ')])
  const classes = summary.categories.map(({ id, name, annotations, images }) => [
    name,
    String(id),
    String(annotations),
    String(images),
  ])
  return `${textTable(rows, { left: [0, 1] })}\n${textTable([['class', 'id', 'objects', 'photos'], ...classes])}`
}

function summaryJson(
  { format, photos }: OpenDataset,
  { splits, ...summary }: DatasetSummary,
  problems: readonly DatasetProblem[],
): object {
  return {
    format,
    photos,
    ...summary,
    splits: Object.fromEntries(splits),
    problemCounts: Object.fromEntries(countProblems(problems)),
    problems,
  }
}
