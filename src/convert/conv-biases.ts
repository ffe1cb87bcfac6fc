import type { Weights } from '../weights/weights.ts'

/**
 * Weights whose convolutions may have a bias before their batch norm (Keras; the first of ResNets converted from Caffe): it goes into
 * the running mean, which is the same network.
 *
 * @param biases `required` where the project has one in every convolution: a missing one is then an error, not 0
 */
export function biasesInNorms(source: Weights, biases: 'required' | 'optional' = 'optional'): Weights {
  return {
    ...source,
    tensor(name, shape) {
      const stored = source.tensor(name, shape)
      const bias = name.replace(/\.bn\.running_mean$/, '.bias')
      if (bias === name || (biases === 'optional' && !source.has(bias))) return stored
      const shift = source.tensor(bias, shape)
      return stored.map((mean, i) => mean - (shift[i] as number))
    },
  }
}
