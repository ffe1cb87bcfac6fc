import { renameWeights, type Weights } from '../weights.ts'

/**
 * A ResNet checkpoint with torchvision's names (`conv1`, `bn1`, `layer1.0.conv2`, `layer2.0.downsample.0`, `fc`) under the
 * library's own, for `resnet(depth)` with batch norm. Counters of training steps (`num_batches_tracked`) are ignored.
 *
 * @example
 * const model = buildBackbone(resnet(50), torchvisionResnet(storedWeights(file.tensors)))
 */
export function torchvisionResnet(source: Weights): Weights {
  return {
    ...renameWeights(source, torchvisionResnetName),
    unused: () => source.unused().filter((name) => !name.endsWith('.num_batches_tracked')),
  }
}

/** torchvision's name for the library's own name of a ResNet's tensor. */
export function torchvisionResnetName(canonical: string): string {
  const unit = /^backbone\.block(\d+)\.unit(\d+)\.(conv|shortcut)(\d?)\.(bn\.)?(\w+)$/.exec(canonical)
  if (!unit)
    return canonical.replace('classifier.', 'fc.').replace('backbone.conv1.bn.', 'bn1.').replace('backbone.', '')
  const [, stage, number, layer, index, norm, field] = unit
  const part = layer === 'shortcut' ? `downsample.${norm ? 1 : 0}` : `${norm ? 'bn' : 'conv'}${index}`
  return `layer${stage}.${Number(number) - 1}.${part}.${field}`
}

/** Index of each convolution in torchvision's `features`, by stage, for VGG-16 and VGG-19 without batch norm. */
const VGG_FEATURES: Readonly<Record<16 | 19, readonly (readonly number[])[]>> = {
  16: [
    [0, 2],
    [5, 7],
    [10, 12, 14],
    [17, 19, 21],
    [24, 26, 28],
  ],
  19: [
    [0, 2],
    [5, 7],
    [10, 12, 14, 16],
    [19, 21, 23, 25],
    [28, 30, 32, 34],
  ],
}

/**
 * The convolutions of a torchvision VGG checkpoint (`features.0.weight` …) under the library's names, for `vgg(depth)`.
 * Its classifier (`classifier.0` is fc6, `classifier.3` fc7) has no place in a backbone and stays in `unused()`.
 */
export function torchvisionVgg(source: Weights, depth: 16 | 19): Weights {
  return renameWeights(source, (canonical) => torchvisionVggName(canonical, depth))
}

/** torchvision's name for the library's own name of a VGG's tensor. */
export function torchvisionVggName(canonical: string, depth: 16 | 19): string {
  const [, stage, index, field] = /^backbone\.conv(\d)_(\d)\.(\w+)$/.exec(canonical) ?? []
  const feature = VGG_FEATURES[depth][Number(stage) - 1]?.[Number(index) - 1]
  return feature === undefined ? canonical : `features.${feature}.${field}`
}
