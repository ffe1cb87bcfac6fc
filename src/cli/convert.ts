import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command, Option } from 'commander'
import { convertDetector } from '../convert/convert.ts'
import { convertBackbone, convertClassifier, type NetworkOptions } from '../convert/convert-network.ts'
import { DIALECT_NAMES, detectorRecipe } from '../convert/dialects/index.ts'
import { imageNetwork } from '../convert/image-network.ts'
import { NETWORK_INPUTS, type NetworkInput } from '../convert/network-inputs.ts'
import type { ConvertedModel, ModelOutput } from '../convert/store-model.ts'
import { convertWhole, WHOLE_KIND_NAMES, wholeDetector } from '../convert/whole/convert-whole.ts'
import { describe, messageOf, unexpected, VertebraError } from '../errors.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { throwIfAborted } from '../progress.ts'
import { isOnnx, partNames } from '../weights/containers/index.ts'
import { readBytes, readWeightsOf } from '../weights/read-weights.node.ts'
import { nameOf, parseAbout } from './about.ts'
import { wholeNumber } from './options.ts'
import { refuseFlags } from './refuse-flags.ts'
import { printable } from './text-table.ts'
import { writeModel } from './write-model.ts'

interface ConvertFlags {
  readonly out: string
  readonly task: 'detect' | 'features' | 'classify'
  readonly resize?: number
  readonly crop?: number
  readonly input?: NetworkInput
  readonly as?: string
  readonly dialect?: string
  readonly arch?: string
  readonly labels?: string
  readonly about?: string
  readonly config?: string
  readonly precision?: keyof typeof PRECISIONS
}

/** By the words that exporters use. */
const PRECISIONS = { 'int8-weights': 'int8-weights', fp16: 'float16', fp32: 'float32' } as const

export function convertCommand(signal: AbortSignal): Command {
  return new Command('convert')
    .description('turn trained weights into a model folder')
    .argument(
      '<weights>',
      'safetensors, .pth, .pkl, .npz, .caffemodel, .h5 or .onnx file, or the index of several; its content decides',
    )
    .requiredOption('-o, --out <folder>', 'the model folder to write')
    .addOption(
      new Option('--task <task>', 'what the model is for; features and classify take the weights of a network alone')
        .choices(['detect', 'features', 'classify'])
        .default('detect'),
    )
    .addOption(
      new Option(
        '--as <kind>',
        'an exported ONNX detector, used as it is: how its outputs are read (default: found where there is no doubt)',
      ).choices(WHOLE_KIND_NAMES),
    )
    .addOption(
      new Option('--dialect <name>', 'whose detector it is (default: found from its tensors)').choices(DIALECT_NAMES),
    )
    .option('--arch <name>', 'the backbone, such as resnet50-v1 (default: found from its tensors)')
    .option('--labels <file>', 'class names without background, one a line, or a JSON list')
    .option(
      '--about <file>',
      "JSON with name (default: the folder's), description, source and metrics for the manifest",
    )
    .option('--config <file>', "JSON with the detector's numbers, when weights of our own training carry none")
    .option('--resize <pixels>', 'features, classify: shorter side of a picture (default: 256)', wholeNumber(1))
    .option('--crop <pixels>', 'classify: side of the middle square that is seen (default: 224)', wholeNumber(1))
    .addOption(
      new Option(
        '--input <kind>',
        "features, classify: how the network was shown pictures, normalised as ImageNet's or as Caffe does (default: as its project does)",
      ).choices(Object.keys(NETWORK_INPUTS)),
    )
    .addOption(
      new Option('--precision <form>', 'how weights are stored (default: int8-weights)').choices(
        Object.keys(PRECISIONS),
      ),
    )
    .addHelpText(
      'after',
      `
Weights of torchvision, Detectron (also 2), MMDetection, faster-rcnn.pytorch, py-faster-rcnn and ChainerCV (Faster R-CNN) and of
our own training are recognised; with --task features or classify ResNets of torchvision, timm and Hugging Face, and torchvision's
VGG, AlexNet and GoogLeNet, and Keras' ResNets and VGG. Nothing in a pickle is run. Detectors that were exported to ONNX whole (torchvision, the ONNX model zoo,
YOLOX, DETR) are used as they are.

Examples:
  vertebra convert detector.safetensors --out my-model
  vertebra convert fasterrcnn_resnet50_fpn_coco-258fb6c6.pth --out torchvision-coco
  vertebra convert model_final.pkl --labels classes.txt --precision fp32 --out my-model
  vertebra convert VGG16_faster_rcnn_final.caffemodel --out vgg16-voc07
  vertebra convert resnet50-11ad3fa6.pth --task classify --labels imagenet.txt --resize 232 --out my-resnet50
  vertebra convert yolox_s.onnx --as yolox --out yolox-s
  vertebra detect photo.jpg --model my-model`,
    )
    .action((weights: string, flags: ConvertFlags) => convert(weights, flags, signal))
}

async function convert(weights: string, flags: ConvertFlags, signal: AbortSignal): Promise<void> {
  const about = {
    ...nameOf(flags.out),
    ...(flags.about !== undefined && parseAbout(parseJson(await readText(flags.about), flags.about), flags.about)),
  }
  const labels = flags.labels === undefined ? undefined : parseLabels(await readText(flags.labels), flags.labels)
  const config = flags.config === undefined ? undefined : await readText(flags.config)
  const content = await readBytes(weights, signal)
  const inputs = [weights, flags.labels, flags.about, flags.config].filter((path) => path !== undefined)
  const whole = isWhole(flags, content) ? wholeDetector(content, { as: flags.as, labels, about }) : undefined
  if (whole) {
    refuseFlags(
      flags,
      ['arch', 'config', 'precision', 'resize', 'crop', 'input'],
      'of a detector that is used as it is',
    )
    process.stdout.write(`${weights}: ${whole.title}\n`)
    await write(flags.out, inputs, (output) => convertWhole(whole, output), signal)
    return
  }
  const file = await readWeightsOf(weights, content, signal)
  throwIfAborted(signal)
  inputs.push(...partNames(content).map((name) => join(dirname(weights), name)))
  const stored = PRECISIONS[flags.precision ?? 'int8-weights']
  const recognised = (title: string): void => {
    process.stdout.write(`${weights}: ${title} (${file.container}, ${file.tensors.size} tensors)\n`)
  }
  const withTask = `with --task ${flags.task}`
  let make: Make
  if (flags.task === 'detect') {
    refuseFlags(flags, ['resize', 'crop', 'input'], withTask)
    const { dialect, arch } = flags
    const { title, recipe } = detectorRecipe(file, { dialect, arch, labels, about, config })
    recognised(title)
    make = (output) => convertDetector(recipe, stored, output)
  } else {
    const ofClassifiers = flags.task === 'features' ? (['labels', 'crop'] as const) : []
    refuseFlags(flags, ['dialect', 'arch', 'config', ...ofClassifiers], withTask)
    const network = imageNetwork(file)
    recognised(network.title)
    const { resize, crop, input } = flags
    const options: NetworkOptions = { labels, about, resize, crop, input }
    const convertNetwork = flags.task === 'classify' ? convertClassifier : convertBackbone
    make = (output) => convertNetwork(network, options, stored, output)
  }
  await write(flags.out, inputs, make, signal)
}

type Make = (output: ModelOutput) => Promise<ConvertedModel<ModelManifest>>

async function write(out: string, inputs: readonly string[], make: Make, signal: AbortSignal): Promise<void> {
  let bytes = 0
  const sha256 = async (content: Uint8Array): Promise<string> => createHash('sha256').update(content).digest('hex')
  const converted = await writeModel(
    out,
    inputs,
    (save) =>
      make({
        async save(name, content) {
          bytes += content.byteLength
          await save(name, content)
        },
        sha256,
      }),
    signal,
  )
  report(out, converted, bytes)
}

/** Whether the file may be a detector in one graph. What is said of weights is said of no such file. */
function isWhole({ as, task, dialect }: ConvertFlags, content: Uint8Array): boolean {
  if (as === undefined) return task === 'detect' && dialect === undefined && isOnnx(content)
  if (task !== 'detect' || dialect !== undefined) {
    const other = dialect === undefined ? `--task ${task}` : '--dialect'
    throw new VertebraError('INVALID_ARGUMENT', `Expected no ${other} with --as: it is for detectors used as they are.`)
  }
  if (!isOnnx(content)) throw unexpected('a detector to be used as it is', 'an ONNX file', 'another', 'GRAPH_INVALID')
  return true
}

function report(out: string, { manifest, leftOut }: ConvertedModel<ModelManifest>, bytes: number): void {
  if (leftOut.length > 0) {
    const some = `${leftOut.slice(0, 4).map(describe).join(', ')}${leftOut.length > 4 ? ', …' : ''}`
    process.stderr.write(`Left out ${leftOut.length} tensors that the model has no need of: ${printable(some)}\n`)
  }
  const form = 'labels' in manifest ? `${manifest.labels.length} classes` : 'features only'
  process.stdout.write(`${out}: ${printable(manifest.architecture)}, ${form}, ${(bytes / 1e6).toFixed(1)} MB\n`)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const message = `Expected a text file but ${path} cannot be read: ${messageOf(cause)}.`
    throw new VertebraError('INVALID_ARGUMENT', message, { cause })
  }
}

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
