import { backboneFeatures, buildBackbone } from '../architectures/backbone.ts'
import type { FeatureInfo } from '../architectures/feature.ts'
import { buildRoiHead, type RoiPooling } from '../architectures/roi-head.ts'
import { buildRpn, rpnFeatures } from '../architectures/rpn.ts'
import { VertebraError } from '../errors.ts'
import type { GraphName, Manifest } from '../models/manifest.ts'
import type { Model } from '../onnx/model.ts'
import type { ManifestBase, NetworkDescription, Recipe } from './recipe.ts'
import { type ConvertedModel, type ModelOutput, type StoredPrecision, storeModel } from './store-model.ts'

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
  const parts = { weights, isExtra, base: { ...base, features, pyramid }, graphs }
  return storeModel('detect', parts, precision, output)
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
