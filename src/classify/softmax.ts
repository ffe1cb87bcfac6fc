import { expRow } from '../heads/postprocess.ts'

/** Probabilities of logits: exp(x) over its sum. */
export function softmax(logits: Float32Array): Float32Array {
  const powers = new Float32Array(logits.length)
  const sum = expRow(logits, 0, powers)
  return powers.map((power) => power / sum)
}
