import type { FeatureInfo } from '../architectures/feature.ts'
import { unexpected } from '../errors.ts'
import type { Placement } from '../images/target-size.ts'

/** One feature level of one photo. */
export interface FeatureMap extends FeatureInfo {
  readonly height: number
  readonly width: number
  /** `channels * height * width` numbers: channel, row, column. */
  readonly data: Float32Array
  /** How the photo lies in the network's input, and so on the map: cells beyond it saw only padding. */
  readonly placement: Placement
}

/** How many cells of a map, from the top left, lie on the photo at least in part. */
export function validCells({ height, width, stride, placement }: FeatureMap): { width: number; height: number } {
  return {
    width: Math.min(width, Math.ceil(placement.inputWidth / stride)),
    height: Math.min(height, Math.ceil(placement.inputHeight / stride)),
  }
}

/**
 * The mean of each channel over the cells that lie on the photo.
 * @returns `channels` numbers.
 */
export function poolFeatureMap(map: FeatureMap): Float32Array {
  const { data, channels, height, width } = map
  const valid = validCells(map)
  const pooled = new Float32Array(channels)
  const cells = valid.width * valid.height
  for (let c = 0; c < channels; c++) {
    let sum = 0
    for (let y = 0; y < valid.height; y++) {
      const row = (c * height + y) * width
      for (let x = 0; x < valid.width; x++) sum += data[row + x] as number
    }
    pooled[c] = sum / cells
  }
  return pooled
}

/**
 * The cosine of the angle between two vectors, -1 to 1; 0 when one of them has no length.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when their lengths differ.
 * @example
 * cosineSimilarity(Float32Array.of(1, 0), Float32Array.of(1, 1)) // 0.7071067811865475
 */
export function cosineSimilarity(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw unexpected('b', `a vector of ${a.length} numbers, as a has,`, b.length)
  let dot = 0
  let squareA = 0
  let squareB = 0
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number
    const y = b[i] as number
    dot += x * y
    squareA += x * x
    squareB += y * y
  }
  const lengths = Math.sqrt(squareA) * Math.sqrt(squareB)
  // The rounding of the two roots may pass 1.
  return lengths === 0 ? 0 : Math.min(1, Math.max(-1, dot / lengths))
}
