import type { Weights } from '../weights/weights.ts'

/**
 * Weights whose convolutions may have a bias before their batch norm (Keras; the first of ResNets converted from Caffe): it goes into
 * the running mean, which is the same network.
 */
export function biasesInNorms(source: Weights): Weights {
  return {
    ...source,
    tensor(name, shape) {
      const stored = source.tensor(name, shape)
      const bias = name.replace(/\.bn\.running_mean$/, '.bias')
      if (bias === name || !source.has(bias)) return stored
      const shift = source.tensor(bias, shape)
      return stored.map((mean, i) => mean - (shift[i] as number))
    },
  }
}
