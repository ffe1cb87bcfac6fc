/**
 * For each output pixel of one axis: which input pixels it is made of, and their weights, which add up to 1.
 * Output pixel i is the sum over t < counts[i] of `weights[i * taps + t]` times input pixel `starts[i] + t`.
 */
export interface ResampleWeights {
  readonly taps: number
  readonly starts: Int32Array
  readonly counts: Int32Array
  readonly weights: Float64Array
}

/** Fraction bits of Pillow's 8-bit resampling (`PRECISION_BITS` of its Resample.c): 32 less 8 for a level, 2 spare. */
export const FIXED_POINT_BITS = 22

/**
 * Two taps at half-pixel centres, edges repeated: torch's `area_pixel_compute_source_index`, align_corners=False.
 * @param scale input pixels per output pixel
 */
export function bilinearWeights(
  inputSize: number,
  outputSize: number,
  scale: number = inputSize / outputSize,
): ResampleWeights {
  const starts = new Int32Array(outputSize)
  const counts = new Int32Array(outputSize)
  const weights = new Float64Array(outputSize * 2)
  for (let i = 0; i < outputSize; i++) {
    const centre = Math.max(0, (i + 0.5) * scale - 0.5)
    const start = Math.min(Math.floor(centre), inputSize - 1)
    const fraction = start < inputSize - 1 ? centre - start : 0
    starts[i] = start
    counts[i] = fraction > 0 ? 2 : 1
    weights[i * 2] = 1 - fraction
    weights[i * 2 + 1] = fraction
  }
  return { taps: 2, starts, counts, weights }
}

/**
 * A triangle as wide as the reduction: `precompute_coeffs` of Pillow's Resample.c with the bilinear filter.
 * @param scale input pixels per output pixel
 */
export function antialiasWeights(
  inputSize: number,
  outputSize: number,
  scale: number = inputSize / outputSize,
): ResampleWeights {
  const support = Math.max(1, scale)
  const taps = Math.ceil(support) * 2 + 1
  const starts = new Int32Array(outputSize)
  const counts = new Int32Array(outputSize)
  const weights = new Float64Array(outputSize * taps)
  for (let i = 0; i < outputSize; i++) {
    const centre = (i + 0.5) * scale
    const start = Math.max(0, Math.trunc(centre - support + 0.5))
    const count = Math.min(inputSize, Math.trunc(centre + support + 0.5)) - start
    let sum = 0
    for (let t = 0; t < count; t++) {
      const weight = Math.max(0, 1 - Math.abs((t + start - centre + 0.5) * (1 / support)))
      weights[i * taps + t] = weight
      sum += weight
    }
    for (let t = 0; t < count; t++) weights[i * taps + t] = (weights[i * taps + t] as number) / sum
    starts[i] = start
    counts[i] = count
  }
  return { taps, starts, counts, weights }
}

/** The weights as whole multiples of 2^-22, rounded as Pillow rounds them. */
export function fixedPointWeights(weights: Float64Array): Int32Array {
  return Int32Array.from(weights, (weight) => Math.trunc(0.5 + weight * 2 ** FIXED_POINT_BITS))
}
