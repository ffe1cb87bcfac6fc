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
import { quantizeWeights } from '../onnx/transforms/quantize-weights.ts'
import type { ManifestBase, NetworkDescription, Recipe } from './recipe.ts'

/** How a model folder stores its weights. */
export const STORED_PRECISIONS = ['int8-weights', 'float32'] as const

export type StoredPrecision = (typeof STORED_PRECISIONS)[number]

/** A model folder in memory: the manifest, and the bytes of each of its files. */
export interface ConvertedModel {
  readonly manifest: Manifest
  readonly files: ReadonlyMap<string, Uint8Array>
  /** The tensors that were left out because a detector has no need of them. */
  readonly leftOut: readonly string[]
}

const FILES: Readonly<Record<GraphName, string>> = {
  backbone: 'backbone.onnx',
  rpn: 'rpn.onnx',
  roiHead: 'roi-head.onnx',
}

/**
 * Builds the graphs of a detector, folds batch norm, stores the weights as asked, and writes the manifest.
 *
 * @param precision `int8-weights` (default): one byte a weight with a scale per output channel; `float32`: exact.
 * @throws VertebraError `WEIGHTS_INVALID` when a tensor is missing, left over or of another shape; `INVALID_ARGUMENT`.
 * @example
 * const file = readSafetensors(await readFile('detector.safetensors'))
 * const { manifest, files } = await convertDetector(vertebraDetector(file))
 * for (const [name, bytes] of files) await writeFile(join('my-model', name), bytes)
 */
export async function convertDetector(
  { weights, network, manifest: base, isExtra = () => false }: Recipe,
  precision: StoredPrecision = 'int8-weights',
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
  const files = new Map<string, Uint8Array>()
  const entries: [GraphName, Manifest['graphs'][GraphName]][] = []
  for (const name of Object.keys(FILES) as GraphName[]) {
    const folded = foldBatchNorm(graphs[name])
    const content = encodeModel(precision === 'int8-weights' ? quantizeWeights(folded) : folded)
    files.set(FILES[name], content)
    entries.push([name, { file: FILES[name], bytes: content.byteLength, sha256: await sha256Of(content), precision }])
  }
  const graphEntries = Object.fromEntries(entries) as Manifest['graphs']
  const json = `${JSON.stringify({ ...base, features, pyramid, graphs: graphEntries }, undefined, 2)}\n`
  const manifest = parseManifest(json, 'model.json')
  files.set('model.json', new TextEncoder().encode(json))
  return { manifest, files, leftOut: weights.unused() }
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
  const { pooling, outputSize: size, samplingRatio, aligned } = manifest.roi
  const pool: RoiPooling = pooling === 'align' ? { kind: 'align', size, samplingRatio, aligned } : { kind: 'max', size }
  return {
    features,
    pyramid,
    graphs: {
      backbone: buildBackbone(network.backbone, weights),
      rpn: buildRpn(rpn, weights),
      roiHead: buildRoiHead(
        {
          levels: pick(pyramid, manifest.roi.levels),
          pool,
          body: network.roiBody,
          classes: manifest.labels.length,
          classAgnostic: manifest.head.classAgnostic,
        },
        weights,
      ),
    },
  }
}

function pick(features: readonly FeatureInfo[], names: readonly string[]): FeatureInfo[] {
  return names.map((name) => {
    const feature = features.find((each) => each.name === name)
    if (feature) return feature
    const known = features.map((each) => each.name).join(', ')
    throw new VertebraError('INVALID_ARGUMENT', `Expected levels out of ${known} but received "${name}".`)
  })
}
