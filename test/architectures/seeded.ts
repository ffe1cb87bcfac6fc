import { seededRandom } from '../../src/random.ts'
import type { Weights } from '../../src/weights/weights.ts'

/** Numbers that depend on the name alone, as `seeded` of test/reference/zoo.py makes them. */
export function seeded(name: string, shape: readonly number[]): Float32Array {
  const values = new Float32Array(shape.reduce((product, dim) => product * dim, 1))
  const [low, high] = interval(name, shape)
  const next = seededRandom(fnv1a(name))
  for (let i = 0; i < values.length; i++) values[i] = low + next() * (high - low)
  return values
}

/** Weights of every name and shape that are none of the values a layer could do without: no mean 0, no scale 1. */
export const seededWeights: Weights = { names: () => [], has: () => true, tensor: seeded, unused: () => [] }

function interval(name: string, shape: readonly number[]): readonly [number, number] {
  if (name.startsWith('image')) return [-1, 1]
  if (name.endsWith('.running_var')) return [0.5, 1.5]
  if (name.endsWith('.bn.weight')) return [0.6, 1.2]
  if (shape.length < 2) return [-0.2, 0.2]
  const bound = Math.sqrt(6 / shape.slice(1).reduce((product, dim) => product * dim, 1))
  return [-bound, bound]
}

function fnv1a(text: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return state
}
