import type { Weights } from '../weights/weights.ts'

/**
 * Weights of a head whose background is the last class, and which has no box for it (Detectron2, MMDetection), as the
 * library has it: background first, its box deltas 0.
 */
export function backgroundFirst(source: Weights, classAgnostic: boolean): Weights {
  return {
    ...source,
    tensor(name, shape) {
      if (/^head\.scores\.\w+$/.test(name)) return rotated(source.tensor(name, shape), shape[0] ?? 1)
      if (classAgnostic || !/^head\.deltas\.\w+$/.test(name)) return source.tensor(name, shape)
      const [rows = 0, ...rest] = shape
      const stored = source.tensor(name, [rows - 4, ...rest])
      const padded = new Float32Array(stored.length + (stored.length / (rows - 4)) * 4)
      padded.set(stored, padded.length - stored.length)
      return padded
    },
  }
}

/** The last of `rows` rows comes first. */
function rotated(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows
  const result = new Float32Array(values.length)
  result.set(values.subarray(values.length - columns))
  result.set(values.subarray(0, values.length - columns), columns)
  return result
}
