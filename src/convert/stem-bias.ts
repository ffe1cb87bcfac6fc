import type { Weights } from '../weights/weights.ts'

/**
 * Weights whose first convolution may have a bias before its batch norm (ResNets converted from Caffe): the bias goes into the
 * running mean, which is the same network.
 */
export function stemBiasInNorm(source: Weights): Weights {
  return {
    ...source,
    tensor(name, shape) {
      const stored = source.tensor(name, shape)
      if (name !== 'backbone.conv1.bn.running_mean' || !source.has('backbone.conv1.bias')) return stored
      const bias = source.tensor('backbone.conv1.bias', shape)
      return stored.map((mean, i) => mean - (bias[i] as number))
    },
  }
}
