/** torchvision's name for the library's own name of a ResNet's tensor. */
export function torchvisionResnetName(canonical: string): string {
  const unit = /^backbone\.block(\d+)\.unit(\d+)\.(conv|shortcut)(\d?)\.(bn\.)?(\w+)$/.exec(canonical)
  if (!unit)
    return canonical.replace('classifier.', 'fc.').replace('backbone.conv1.bn.', 'bn1.').replace('backbone.', '')
  const [, stage, number, layer, index, norm, field] = unit
  const part = layer === 'shortcut' ? `downsample.${norm ? 1 : 0}` : `${norm ? 'bn' : 'conv'}${index}`
  return `layer${stage}.${Number(number) - 1}.${part}.${field}`
}

/** The index of a convolution in torchvision's `features`: it, its norm and its ReLU are one each, and so is the pool of a stage. */
function vggFeature(counts: readonly number[], hasNorm: boolean, stage: number, index: number): number | undefined {
  const layers = hasNorm ? 3 : 2
  if (index > (counts[stage - 1] ?? 0)) return undefined
  const before = counts.slice(0, stage - 1).reduce((sum, count) => sum + count * layers + 1, 0)
  return before + (index - 1) * layers
}

/**
 * torchvision's name for the library's own name of a VGG's tensor.
 * @param convolutions of each of its five stages
 */
export function torchvisionVggName(canonical: string, convolutions: readonly number[], hasNorm = false): string {
  const [, stage, index, norm, field] = /^backbone\.conv(\d)_(\d)\.(bn\.)?(\w+)$/.exec(canonical) ?? []
  const feature = stage === undefined ? undefined : vggFeature(convolutions, hasNorm, Number(stage), Number(index))
  if (feature !== undefined) return `features.${feature + (norm ? 1 : 0)}.${field}`
  return canonical.replace(/^classifier\.fc(\d)/, (_, layer) => `classifier.${(Number(layer) - 6) * 3}`)
}

/** torchvision's name for the library's own name of an AlexNet's tensor. */
export function torchvisionAlexnetName(canonical: string): string {
  const [, layer, field] = /^(?:backbone|classifier)\.(\w+)\.(\w+)$/.exec(canonical) ?? []
  const place = ALEXNET[layer ?? '']
  return place === undefined ? canonical : `${place}.${field}`
}

const ALEXNET: Readonly<Record<string, string>> = {
  conv1: 'features.0',
  conv2: 'features.3',
  conv3: 'features.6',
  conv4: 'features.8',
  conv5: 'features.10',
  fc6: 'classifier.1',
  fc7: 'classifier.4',
  fc8: 'classifier.6',
}

/** torchvision's name for the library's own name of a GoogLeNet's tensor. */
export function torchvisionGooglenetName(canonical: string): string {
  const [, module, layer, norm, field] = /^backbone\.(?:(inception\w+)\.)?(\w+?)\.(bn\.)?(\w+)$/.exec(canonical) ?? []
  if (layer === undefined) return canonical.replace(/^classifier\./, 'fc.')
  const place = module === undefined ? layer : `${module}.${INCEPTION[layer] ?? layer}`
  return `${place}.${norm ? 'bn' : 'conv'}.${field}`
}

const INCEPTION: Readonly<Record<string, string>> = {
  conv1: 'branch1',
  reduce3: 'branch2.0',
  conv3: 'branch2.1',
  reduce5: 'branch3.0',
  conv5: 'branch3.1',
  project: 'branch4.1',
}
