import type { Weights } from '../weights.ts'
import { kernelOutputsFirst } from './kernels.ts'

const NORM: Readonly<Record<string, string>> = {
  weight: 'gamma',
  bias: 'beta',
  running_mean: 'moving_mean',
  running_var: 'moving_variance',
}

/**
 * The name in a resnet_v2 of TF-slim, such as `resnet_v2_101/block1/unit_1/bottleneck_v2/conv1/BatchNorm/gamma`, for the
 * library's own.
 *
 * @param scope `resnet_v2_101`
 */
export function slimResnetV2Name(canonical: string, scope: string): string {
  const [, layer = '', norm, field = ''] = /^(.+?)\.(bn\.)?(\w+)$/.exec(canonical) ?? []
  const end = norm ? (NORM[field] ?? field) : field === 'weight' ? 'weights' : 'biases'
  if (layer === 'classifier') return `${scope}/logits/${end}`
  if (layer === 'fpn.c5.preact') return `${scope}/postnorm/${end}`
  const [, block, unit, part = ''] = /^backbone\.block(\d)\.unit(\d+)\.(\w+)$/.exec(layer) ?? []
  if (block === undefined) return `${scope}/${layer.replace('backbone.', '')}/${end}`
  // A pre-activation is a normalisation itself, that of a convolution stands inside it.
  const inside = norm && part !== 'preact' ? 'BatchNorm/' : ''
  return `${scope}/block${block}/unit_${unit}/bottleneck_v2/${part}/${inside}${end}`
}

/**
 * Kernels as TensorFlow stores them, height x width x inputs x outputs, as outputs x inputs x height x width; TF-slim's
 * classifier is a 1x1 convolution too.
 */
export function kernelsOutputsFirst(source: Weights): Weights {
  return {
    ...source,
    tensor(name, shape) {
      if (shape.length < 2) return source.tensor(name, shape)
      const [outputs = 0, inputs = 0, height = 1, width = 1] = shape
      const stored = source.tensor(name, [height, width, inputs, outputs])
      return kernelOutputsFirst(stored, outputs, inputs, height * width)
    },
  }
}
