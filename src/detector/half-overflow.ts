import { VertebraError } from '../errors.ts'
import type { Precision } from './in-precision.ts'

const FLOAT16 = 'float16'

/**
 * Nothing for a network that computes in more than float16.
 * @throws VertebraError `INFERENCE_FAILED` when one of the numbers that it gave is infinite or NaN.
 */
export function requireNoOverflow({ precision }: { readonly precision: Precision }, values: Float32Array): void {
  if (precision !== FLOAT16) return
  // Any number times 0 is 0, but for NaN and the infinities.
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) * 0
  if (sum === 0) return
  const message = 'Expected numbers up to 65504, as float16 has them, but the network gave others'
  throw new VertebraError('INFERENCE_FAILED', `${message}: load the model with precision "float32".`, {
    value: FLOAT16,
  })
}

/** Whether that is what an error is about. */
export function isHalfOverflow(error: unknown): boolean {
  return error instanceof VertebraError && error.code === 'INFERENCE_FAILED' && error.value === FLOAT16
}
