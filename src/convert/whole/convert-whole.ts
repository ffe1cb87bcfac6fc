import { describe, unexpected, VertebraError } from '../../errors.ts'
import { sha256Of } from '../../models/load.ts'
import type { GraphFile, WholeManifest } from '../../models/manifest.ts'
import { parseManifest } from '../../models/parse-manifest.ts'
import { requireTask } from '../../models/task.ts'
import type { DataType } from '../../onnx/model.ts'
import { readSignature, type Signature } from '../../onnx/signature.ts'
import { MOST_CLASSES } from '../../whole/candidates.ts'
import { labelsFor } from '../labels.ts'
import type { About } from '../recipe.ts'
import { type ConvertedModel, MANIFEST_FILE, type ModelOutput, manifestJson } from '../store-model.ts'
import { KINDS, possibleKinds } from './kinds.ts'

/** What `--as` takes. */
export const WHOLE_KIND_NAMES: readonly string[] = KINDS.map(({ name }) => name)

/** What a person may say about an exported detector, as its file does not. */
export interface WholeOptions {
  /** One of {@link WHOLE_KIND_NAMES}. Default: found from the graph, where it can be nothing else. */
  readonly as?: string | undefined
  /** Class names without background, in the order of the network's outputs. Default: COCO's or VOC's where the number fits. */
  readonly labels?: readonly string[] | undefined
  readonly about?: About | undefined
}

/** An exported detector, and how its outputs are read. */
export interface WholeDetector {
  /** `torchvision's export of a detector` */
  readonly title: string
  readonly bytes: Uint8Array
  readonly manifest: WholeManifest
}

/**
 * What an ONNX file is that holds a detector from the photo to boxes, or nearly so: torchvision's export, the ONNX model zoo's
 * FasterRCNN, YOLOX, DETR and its kin.
 *
 * @param bytes of the file; the graph is used as it is
 * @returns undefined when nothing was said of the file and it may be something else: weights, another network
 * @throws VertebraError `INVALID_ARGUMENT` when the kind or the classes cannot be told and must be given, `GRAPH_INVALID` for a file
 * of another form than `as` says, or with weights in other files
 * @example
 * const detector = wholeDetector(await readFile('yolox_s.onnx'), { as: 'yolox' })
 * if (detector) await convertWhole(detector, { save: (name, content) => writeFile(join('yolox-s', name), content) })
 */
export function wholeDetector(
  bytes: Uint8Array,
  { as, labels, about = {} }: WholeOptions = {},
): WholeDetector | undefined {
  if (as !== undefined && !WHOLE_KIND_NAMES.includes(as)) {
    throw unexpected('as', `one of ${WHOLE_KIND_NAMES.join(', ')}`, as)
  }
  const signature = readSignature(bytes)
  const possible = possibleKinds(signature)
  const found = possible.find(({ kind, isUnmistakable }) => (as === undefined ? isUnmistakable : kind.name === as))
  if (!found) {
    if (as !== undefined) throw wrongForm(as, signature)
    if (possible.length === 0) return undefined
    throw unsure(possible.map(({ kind }) => kind.name))
  }
  if (signature.isSplit) {
    throw new VertebraError(
      'GRAPH_INVALID',
      'Expected a detector in one ONNX file but some of its weights lie in others.',
    )
  }
  const { kind, description, image } = found
  const { input, outputs, mask, head } = description
  const classes = description.classes ?? labels?.length ?? description.usualClasses
  if (classes === undefined) {
    throw new VertebraError(
      'INVALID_ARGUMENT',
      `Expected labels for ${kind.title}, whose graph does not say how many there are.`,
    )
  }
  if (classes > MOST_CLASSES) {
    throw unexpected('the outputs of the ONNX file', `at most ${MOST_CLASSES} classes`, classes, 'GRAPH_INVALID')
  }
  const names = labelsFor(classes, labels)
  const manifest: WholeManifest = {
    format: 'vertebra-model',
    version: 1,
    task: 'detect-whole',
    name: about.name ?? `${kind.name}-detector`,
    description: about.description ?? `${kind.title}, ${classes} classes.`,
    architecture: kind.title,
    labels: names,
    input,
    features: [],
    feeds: { image: image.name, batched: image.batched, ...(mask !== undefined && { mask }) },
    outputs,
    head: { scoreThreshold: 0.05, nms: { kind: 'none', iouThreshold: 0.5 }, maxDetections: 100, ...head },
    graphs: {
      detector: { file: GRAPH_FILE, bytes: bytes.length, sha256: '0'.repeat(64), precision: precisionOf(signature) },
    },
    source: about.source ?? { weights: 'not stated', licence: 'not stated', citations: kind.citations },
    metrics: about.metrics ?? [],
  }
  requireTask(parseManifest(manifestJson(manifest), MANIFEST_FILE), 'detect-whole')
  return { title: kind.title, bytes, manifest }
}

/**
 * Writes the model folder of an exported detector: the graph as it is, and a manifest that says how its outputs are read.
 *
 * @param output takes the files; default: they are kept in the result
 * @example
 * const detector = wholeDetector(await readFile('yolox_s.onnx'), { as: 'yolox' })
 * if (detector) for (const [name, bytes] of (await convertWhole(detector)).files) await writeFile(join('yolox-s', name), bytes)
 */
export async function convertWhole(
  { bytes, manifest: base }: WholeDetector,
  output?: ModelOutput,
): Promise<ConvertedModel<WholeManifest>> {
  const files = new Map<string, Uint8Array>()
  const { save, sha256 = sha256Of } = output ?? { save: async (name, content) => void files.set(name, content) }
  const detector: GraphFile = { ...base.graphs.detector, sha256: await sha256(bytes) }
  const manifest = { ...base, graphs: { detector } }
  await save(GRAPH_FILE, bytes)
  await save(MANIFEST_FILE, new TextEncoder().encode(manifestJson(manifest)))
  return { manifest, files, leftOut: [] }
}

const GRAPH_FILE = 'detector.onnx'

function precisionOf({ operators, initializers }: Signature): GraphFile['precision'] {
  if (['QLinearConv', 'ConvInteger', 'QuantizeLinear'].some((operator) => operators.has(operator))) return 'int8'
  const count = (type: DataType): number =>
    [...initializers.values()]
      .filter(({ dataType }) => dataType === type)
      .reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0)
  return count('float16') > count('float32') ? 'float16' : 'float32'
}

function unsure(names: readonly string[]): VertebraError {
  const message = `Expected to know what kind of detector the ONNX file is, as it could be ${names.join(' or ')}: say which (--as).`
  return new VertebraError('INVALID_ARGUMENT', message)
}

function wrongForm(as: string, { inputs, outputs }: Signature): VertebraError {
  const list = (values: Signature['inputs']): string =>
    values
      .slice(0, 8)
      .map(({ name, dataType, dims }) => `${describe(name)} ${dataType ?? '?'} [${dims?.join(', ') ?? '?'}]`)
      .join(', ')
  const message = `Expected the inputs and outputs of ${as} but the ONNX file has ${list(inputs)} -> ${list(outputs)}.`
  return new VertebraError('GRAPH_INVALID', message)
}
