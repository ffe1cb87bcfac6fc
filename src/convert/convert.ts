import { backboneFeatures, buildBackbone } from '../architectures/backbone.ts'
import type { FeatureInfo } from '../architectures/feature.ts'
import { buildRoiHead, type RoiPooling } from '../architectures/roi-head.ts'
import { buildRpn, rpnFeatures } from '../architectures/rpn.ts'
import { VertebraError } from '../errors.ts'
import { sha256Of } from '../models/load.ts'
import { type GraphName, type Manifest, parseManifest } from '../models/manifest.ts'
import { encodeModel } from '../onnx/codec.ts'
import type { Model } from '../onnx/model.ts'
import { foldBatchNorm } from '../onnx/transforms/fold-batch-norm.ts'
import { halveWeights } from '../onnx/transforms/halve-weights.ts'
import { quantizeWeights } from '../onnx/transforms/quantize-weights.ts'
import type { ManifestBase, NetworkDescription, Recipe } from './recipe.ts'

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
export interface ConvertedModel {
  readonly manifest: Manifest
  readonly files: ReadonlyMap<string, Uint8Array>
  /** The tensors that were left out because a detector has no need of them. */
  readonly leftOut: readonly string[]
}

const STORED: Readonly<Record<StoredPrecision, (model: Model) => Model>> = {
  'int8-weights': quantizeWeights,
  float16: halveWeights,
  float32: (model) => model,
}

const FILES: Readonly<Record<GraphName, string>> = {
  backbone: 'backbone.onnx',
  rpn: 'rpn.onnx',
  roiHead: 'roi-head.onnx',
}

/**
 * Builds the graphs of a detector, folds batch norm, stores the weights as asked, and writes the manifest.
 *
 * @param precision `int8-weights` (default): one byte a weight with a scale per output channel; `float16`: two bytes a weight,
 * of about three digits; `float32`: exact.
 * @param output takes the files, so that only one graph is in memory at a time; `files` of the result is then empty. Default:
 * they are kept there.
 * @throws VertebraError `WEIGHTS_INVALID` when a tensor is missing, left over or of another shape; `INVALID_ARGUMENT`.
 * @example
 * const file = readSafetensors(await readFile('detector.safetensors'))
 * const { manifest, files } = await convertDetector(vertebraDetector(file))
 * for (const [name, bytes] of files) await writeFile(join('my-model', name), bytes)
 */
export async function convertDetector(
  { weights, network, manifest: base, isExtra = () => false }: Recipe,
  precision: StoredPrecision = 'int8-weights',
  output?: ModelOutput,
): Promise<ConvertedModel> {
  const { graphs, features, pyramid } = buildGraphs(weights, network, base)
  const unused = weights.unused().filter((name) => !isExtra(name))
  if (unused.length > 0) {
    const some = unused.slice(0, 8).join(', ')
    throw new VertebraError(
      'WEIGHTS_INVALID',
      `Expected every tensor to have a place in the network but ${unused.length} have none: ${some}${unused.length > 8 ? ', …' : ''}.`,
      { value: unused },
    )
  }
  checkManifest({ ...base, features, pyramid })
  const files = new Map<string, Uint8Array>()
  const { save, sha256 = sha256Of } = output ?? { save: async (name, content) => void files.set(name, content) }
  const entries: [GraphName, Manifest['graphs'][GraphName]][] = []
  for (const name of Object.keys(FILES) as GraphName[]) {
    const content = encodeModel(STORED[precision](foldBatchNorm(graphs[name])))
    entries.push([name, { file: FILES[name], bytes: content.byteLength, sha256: await sha256(content), precision }])
    await save(FILES[name], content)
  }
  const graphEntries = Object.fromEntries(entries) as Manifest['graphs']
  const json = manifestJson({ ...base, features, pyramid, graphs: graphEntries })
  const manifest = parseManifest(json, MANIFEST_FILE)
  await save(MANIFEST_FILE, new TextEncoder().encode(json))
  return { manifest, files, leftOut: weights.unused() }
}

const MANIFEST_FILE = 'model.json'

function manifestJson(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}

/** Before anything is saved: whatever the graphs will be, the rest of the manifest is right. */
function checkManifest(manifest: Omit<Manifest, 'graphs'>): void {
  const graph = { file: 'any.onnx', bytes: 1, sha256: '0'.repeat(64), precision: 'float32' } as const
  parseManifest(manifestJson({ ...manifest, graphs: { backbone: graph, rpn: graph, roiHead: graph } }), MANIFEST_FILE)
}

function buildGraphs(
  weights: Recipe['weights'],
  network: NetworkDescription,
  manifest: ManifestBase,
): { graphs: Record<GraphName, Model>; features: readonly FeatureInfo[]; pyramid: readonly FeatureInfo[] } {
  const features = backboneFeatures(network.backbone)
  const anchors = (manifest.anchors.levels[0]?.sizes.length ?? 0) * manifest.anchors.aspectRatios.length
  const rpn = {
    levels: pick(features, network.levels),
    ...(network.pyramid && { pyramid: network.pyramid }),
    channels: network.rpnChannels,
    convolutions: network.rpnConvolutions,
    anchors,
  }
  const pyramid = rpnFeatures(rpn)
  return {
    features,
    pyramid,
    graphs: {
      backbone: buildBackbone(network.backbone, weights),
      rpn: buildRpn(rpn, weights),
      roiHead: buildRoiHead(
        {
          levels: pick(pyramid, manifest.roi.levels),
          pool: poolingOf(manifest.roi),
          body: network.roiBody,
          classes: manifest.labels.length,
          classAgnostic: manifest.head.classAgnostic,
        },
        weights,
      ),
    },
  }
}

function poolingOf({ pooling, outputSize: size, samplingRatio, aligned, lastPixel }: Manifest['roi']): RoiPooling {
  if (pooling === 'align') return { kind: 'align', size, samplingRatio, aligned, lastPixel }
  return { kind: pooling === 'pool' ? 'max' : 'bin-corners', size }
}

function pick(features: readonly FeatureInfo[], names: readonly string[]): FeatureInfo[] {
  return names.map((name) => {
    const feature = features.find((each) => each.name === name)
    if (feature) return feature
    const known = features.map((each) => each.name).join(', ')
    throw new VertebraError('INVALID_ARGUMENT', `Expected levels out of ${known} but received "${name}".`)
  })
}
