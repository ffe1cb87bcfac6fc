/** exp(logit - largest) of one row into `out`, so that nothing overflows; returns their sum. */
export function expRow(logits: Float32Array, start: number, out: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < out.length; i++) largest = Math.max(largest, logits[start + i] as number)
  let sum = 0
  for (let i = 0; i < out.length; i++) {
    const value = Math.exp((logits[start + i] as number) - largest)
    out[i] = value
    sum += value
  }
  return sum
}

/**
 * No class of a row has a larger score: exp of its largest logit, less the largest of all, as the sum is at least 1. With many
 * classes it spares most rows their exponentials. NaN where the row has NaN.
 */
export function scoreBound(logits: Float32Array, start: number, columns: number): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let c = 1; c < columns; c++) largest = Math.max(largest, logits[start + c] as number)
  return Math.fround(Math.exp(largest - Math.max(largest, logits[start] as number)))
}

/** The probabilities of one row, by default of all numbers: exp of each logit over their sum, into `out`, which is returned. */
export function softmax(
  logits: Float32Array,
  start = 0,
  out: Float32Array = new Float32Array(logits.length),
): Float32Array {
  const sum = expRow(logits, start, out)
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) / sum
  return out
}
