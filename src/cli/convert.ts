import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { convertDetector, STORED_PRECISIONS, type StoredPrecision } from '../convert/convert.ts'
import { DIALECT_NAMES, detectorRecipe } from '../convert/dialects/index.ts'
import type { About } from '../convert/recipe.ts'
import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import { readWeightFile } from '../weights/read-weights.node.ts'
import { writeWhole } from './write-whole.ts'

interface ConvertFlags {
  readonly out: string
  readonly dialect?: string
  readonly arch?: string
  readonly labels?: string
  readonly about?: string
  readonly config?: string
  readonly precision: StoredPrecision | keyof typeof SHORT_PRECISIONS
}

/** What others call them. */
const SHORT_PRECISIONS = { fp16: 'float16', fp32: 'float32' } as const

export function convertCommand(signal: AbortSignal): Command {
  return new Command('convert')
    .description('turn trained weights into a model folder')
    .argument(
      '<weights>',
      'safetensors, .pth, .pkl, .npz, .caffemodel or .onnx file, or the index of several; its content decides',
    )
    .requiredOption('-o, --out <folder>', 'the model folder to write')
    .addOption(
      new Option('--dialect <name>', 'whose detector it is (default: found from its tensors)').choices(DIALECT_NAMES),
    )
    .option('--arch <name>', 'the backbone, such as resnet50-v1 (default: found from its tensors)')
    .option('--labels <file>', 'class names without background, one a line, or a JSON list')
    .option('--about <file>', 'JSON with name, description, source and metrics for the manifest')
    .option('--config <file>', "JSON with the detector's numbers, when weights of our own training carry none")
    .addOption(
      new Option('--precision <form>', 'how weights are stored')
        .choices([...STORED_PRECISIONS, ...Object.keys(SHORT_PRECISIONS)])
        .default('int8-weights'),
    )
    .addHelpText(
      'after',
      `
Weights of torchvision, Detectron (also 2), MMDetection, faster-rcnn.pytorch, py-faster-rcnn and ChainerCV (Faster R-CNN) and of
our own training are recognised. Nothing in a pickle is run.

Examples:
  vertebra convert detector.safetensors --out my-model
  vertebra convert fasterrcnn_resnet50_fpn_coco-258fb6c6.pth --out torchvision-coco
  vertebra convert model_final.pkl --labels classes.txt --precision fp32 --out my-model
  vertebra convert VGG16_faster_rcnn_final.caffemodel --out vgg16-voc07
  vertebra detect photo.jpg --model my-model`,
    )
    .action((weights: string, flags: ConvertFlags) => convert(weights, flags, signal))
}

async function convert(weights: string, flags: ConvertFlags, signal: AbortSignal): Promise<void> {
  const { dialect, arch } = flags
  const about = flags.about === undefined ? undefined : (parseJson(await readText(flags.about), flags.about) as About)
  const labels = flags.labels === undefined ? undefined : parseLabels(await readText(flags.labels), flags.labels)
  const config = flags.config === undefined ? undefined : await readText(flags.config)
  const file = await readWeightFile(weights, signal)
  throwIfAborted(signal)
  const { title, recipe } = detectorRecipe(file, { dialect, arch, labels, about, config })
  process.stdout.write(`${weights}: ${title} (${file.container}, ${file.tensors.size} tensors)\n`)
  const { precision } = flags
  const stored = precision === 'fp16' || precision === 'fp32' ? SHORT_PRECISIONS[precision] : precision
  let bytes = 0
  const { manifest, leftOut } = await convertDetector(recipe, stored, {
    async save(name, content) {
      throwIfAborted(signal)
      bytes += content.byteLength
      await writeWhole(join(flags.out, name), content)
    },
    sha256: async (content) => createHash('sha256').update(content).digest('hex'),
  })
  if (leftOut.length > 0) {
    const some = `${leftOut.slice(0, 4).join(', ')}${leftOut.length > 4 ? ', …' : ''}`
    process.stderr.write(`Left out ${leftOut.length} tensors that a detector has no need of: ${some}\n`)
  }
  const { architecture, labels: classes } = manifest
  process.stdout.write(`${flags.out}: ${architecture}, ${classes.length} classes, ${(bytes / 1e6).toFixed(1)} MB\n`)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const message = `Expected a text file but ${path} cannot be read: ${messageOf(cause)}.`
    throw new VertebraError('INVALID_ARGUMENT', message, { cause })
  }
}

/** The fields of `--about` are checked with the manifest they become part of. */
function parseJson(json: string, path: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new VertebraError('INVALID_ARGUMENT', `Expected JSON in ${path}: ${messageOf(cause)}.`, { cause })
  }
}

function parseLabels(text: string, path: string): string[] {
  if (!text.trimStart().startsWith('[')) {
    const lines = text.split(/\r?\n/).map((line) => line.trim())
    return lines.filter((line) => line !== '')
  }
  const names = parseJson(text, path)
  const isNames = Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== '')
  if (!isNames) throw unexpected(`the labels in ${path}`, 'a list of names', names)
  return names
}
