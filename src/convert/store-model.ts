import { describe, VertebraError } from '../errors.ts'
import { sha256Of } from '../models/load.ts'
import type { AnyGraphName, GraphFile, Manifest, ModelManifest } from '../models/manifest.ts'
import { parseManifest } from '../models/parse-manifest.ts'
import { requireTask, type Tasks } from '../models/task.ts'
import { encodeModel } from '../onnx/codec.ts'
import type { Model } from '../onnx/model.ts'
import { foldBatchNorm } from '../onnx/transforms/fold-batch-norm.ts'
import { halveWeights } from '../onnx/transforms/halve-weights.ts'
import { quantizeWeights } from '../onnx/transforms/quantize-weights.ts'
import type { Weights } from '../weights/weights.ts'

/** How a model folder stores its weights. */
export const STORED_PRECISIONS = ['int8-weights', 'float16', 'float32'] as const

export type StoredPrecision = (typeof STORED_PRECISIONS)[number]

/** Where the files of a model folder go as soon as each is made. */
export interface ModelOutput {
  /** Called for one file after the other, for `model.json` last: until it is there, a folder is not a model. */
  save(name: string, content: Uint8Array): Promise<void>
  /** 64 hexadecimal digits. Default: Web Crypto's, which copies what it reads. */
  readonly sha256?: ((content: Uint8Array) => Promise<string>) | undefined
}

/** A model folder in memory: the manifest, and the bytes of each of its files. */
export interface ConvertedModel<M extends ModelManifest = Manifest> {
  readonly manifest: M
  readonly files: ReadonlyMap<string, Uint8Array>
  /** The tensors that were left out because the model has no need of them. */
  readonly leftOut: readonly string[]
}

const STORED: Readonly<Record<StoredPrecision, (model: Model) => Model>> = {
  'int8-weights': quantizeWeights,
  float16: halveWeights,
  float32: (model) => model,
}

const FILES: Readonly<Record<Exclude<AnyGraphName, 'detector'>, string>> = {
  backbone: 'backbone.onnx',
  rpn: 'rpn.onnx',
  roiHead: 'roi-head.onnx',
  classifier: 'classifier.onnx',
}

/** What a model folder is made of before it is stored. */
export interface ModelParts<Task extends Exclude<keyof Tasks, 'detect-whole'>> {
  readonly weights: Weights
  /** Tensors that may stay unused. */
  readonly isExtra: (name: string) => boolean
  readonly base: Omit<Tasks[Task], 'graphs'>
  readonly graphs: Readonly<Record<keyof Tasks[Task]['graphs'], Model>>
}

/**
 * Folds batch norm, stores the weights as asked, and writes the manifest: see `convertDetector`.
 * @throws VertebraError `WEIGHTS_INVALID` when a tensor is left over, `MODEL_INVALID` when the manifest is wrong.
 */
export async function storeModel<Task extends Exclude<keyof Tasks, 'detect-whole'>>(
  task: Task,
  { weights, isExtra, base, graphs }: ModelParts<Task>,
  precision: StoredPrecision,
  output: ModelOutput | undefined,
): Promise<ConvertedModel<Tasks[Task]>> {
  refuseUnused(weights, isExtra)
  // Before anything is saved: weights that cannot be folded are refused, and whatever the graphs will be, the rest of the manifest is
  // right.
  const models = (Object.entries<Model>(graphs) as [keyof typeof FILES, Model][]).map(
    ([name, model]) => [name, foldBatchNorm(model)] as const,
  )
  const graph: GraphFile = { file: 'any.onnx', bytes: 1, sha256: '0'.repeat(64), precision: 'float32' }
  const placeholders = Object.fromEntries(models.map(([name]) => [name, graph]))
  parseManifest(manifestJson({ ...base, graphs: placeholders }), MANIFEST_FILE)
  const files = new Map<string, Uint8Array>()
  const { save, sha256 = sha256Of } = output ?? { save: async (name, content) => void files.set(name, content) }
  const entries: [keyof typeof FILES, GraphFile][] = []
  // The backbone last: what the small graphs took is then collected while the largest is made.
  for (const [name, model] of models.toReversed()) {
    const content = encodeModel(STORED[precision](model))
    entries.push([name, { file: FILES[name], bytes: content.byteLength, sha256: await sha256(content), precision }])
    await save(FILES[name], content)
  }
  const json = manifestJson({ ...base, graphs: Object.fromEntries(entries.toReversed()) })
  const manifest = requireTask(parseManifest(json, MANIFEST_FILE), task)
  await save(MANIFEST_FILE, new TextEncoder().encode(json))
  return { manifest, files, leftOut: weights.unused() }
}

export const MANIFEST_FILE = 'model.json'

export function manifestJson(manifest: object): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}

function refuseUnused(weights: Weights, isExtra: (name: string) => boolean): void {
  const unused = weights.unused().filter((name) => !isExtra(name))
  if (unused.length === 0) return
  const some = unused.slice(0, 8).map(describe).join(', ')
  throw new VertebraError(
    'WEIGHTS_INVALID',
    `Expected every tensor to have a place in the network but ${unused.length} have none: ${some}${unused.length > 8 ? ', …' : ''}.`,
    { value: unused },
  )
}
