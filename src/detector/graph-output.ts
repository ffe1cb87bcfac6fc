import { VertebraError } from '../errors.ts'
import type { FloatTensor } from '../runtime/runtime.ts'

/** @throws VertebraError `MODEL_INVALID` when a graph did not give an output that the manifest promises. */
export function requireOutput(tensors: Readonly<Record<string, FloatTensor>>, name: string): FloatTensor {
  const tensor = tensors[name]
  if (tensor) return tensor
  const given = Object.keys(tensors).join(', ')
  throw new VertebraError('MODEL_INVALID', `Expected the output "${name}" of the model's graph but it gave ${given}.`)
}
