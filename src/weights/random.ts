import { unexpected } from '../errors.ts'
import { seededRandom } from '../random.ts'
import type { Weights } from './weights.ts'

/**
 * Weights for an architecture without a checkpoint, for benchmarks and tests: kernels are uniform with He's variance
 * 2 / fan-in (He et al. 2015, arXiv:1502.01852), normalisations are the identity, biases 0. A tensor depends on `seed`
 * and its name only, not on the order of asking.
 *
 * @param seed default 0
 * @throws VertebraError `INVALID_ARGUMENT` for a seed that is no whole number
 * @example
 * const model = buildBackbone(resnet(50), randomWeights(1))
 */
export function randomWeights(seed = 0): Weights {
  if (!Number.isSafeInteger(seed)) throw unexpected('seed', 'a whole number', seed)
  return endless((name, shape) => {
    const values = new Float32Array(count(shape))
    if (shape.length < 2) return values.fill(/(\.scale|\.running_var|\.bn\.weight)$/.test(name) ? 1 : 0)
    const fanIn = count(shape.slice(1))
    const bound = Math.sqrt(6 / fanIn)
    const next = seededRandom(seed ^ hash(name))
    for (let i = 0; i < values.length; i++) values[i] = (next() * 2 - 1) * bound
    return values
  })
}

/**
 * Weights that are all zero and share one buffer: enough to build any architecture in order to count its parameters and
 * operations, without the memory of its weights.
 */
export function zeroWeights(): Weights {
  let zeros = new Float32Array(0)
  return endless((_, shape) => {
    const size = count(shape)
    if (size > zeros.length) zeros = new Float32Array(size)
    return zeros.subarray(0, size)
  })
}

function endless(tensor: Weights['tensor']): Weights {
  return { names: () => [], has: () => true, tensor, unused: () => [] }
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1)
}

/** FNV-1a, 32 bit. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return state
}
