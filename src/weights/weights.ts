import { describe, VertebraError } from '../errors.ts'

/**
 * Where an architecture takes its numbers from: a checkpoint, a renamed view of one, or a random source. Builders ask by
 * the library's canonical names (`backbone.block1.unit1.conv1.weight`, `head.fc6.bias`); `names/` has each project's own for them.
 */
export interface Weights {
  /** Every tensor there is, by the names of the source, sorted. */
  names(): readonly string[]
  has(name: string): boolean
  /**
   * The tensor as row-major float32, convolutions as OIHW, linear layers as output x input. It may be a view into the
   * file: treat it as constant.
   *
   * @throws VertebraError `WEIGHTS_INVALID`, naming the tensor, when it is missing, has another shape than `shape`, or
   * holds a NaN or an infinity.
   */
  tensor(name: string, shape: readonly number[]): Float32Array
  /** The names nobody asked for yet: after a build, what the architecture has no place for. */
  unused(): readonly string[]
}

/**
 * The same weights under other names: `rename` gives the name in the source for a canonical one. `names()` and
 * `unused()` keep the source's names, so that a message shows what is in the file.
 *
 * @example
 * const canonical = renameWeights(checkpoint, (name) => name.replace('backbone.', 'body.'))
 */
export function renameWeights(source: Weights, rename: (canonical: string) => string): Weights {
  return {
    names: () => source.names(),
    has: (name) => source.has(rename(name)),
    tensor: (name, shape) => source.tensor(rename(name), shape),
    unused: () => source.unused(),
  }
}

/** Throws the standard error when a tensor's shape is not what its place in the architecture needs. */
export function checkShape(name: string, found: readonly number[], expected: readonly number[]): void {
  if (found.length === expected.length && found.every((dim, i) => dim === expected[i])) return
  throw new VertebraError(
    'WEIGHTS_INVALID',
    `Expected shape [${expected.join(', ')}] for tensor ${describe(name)} but received [${found.join(', ')}].`,
    { value: found },
  )
}
