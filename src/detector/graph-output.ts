import { VertebraError } from '../errors.ts'
import type { FloatTensor, HeldTensor, Tensors } from '../runtime/runtime.ts'

/** @throws VertebraError `MODEL_INVALID` when a graph did not give an output that the manifest promises. */
export function requireOutput(tensors: Tensors, name: string): FloatTensor {
  const tensor = requireTensor(tensors, name)
  if ('data' in tensor) return tensor
  throw new VertebraError('INFERENCE_FAILED', `Expected the numbers of the output "${name}" but it is on the device.`)
}

/** An output, wherever it is. */
export function requireTensor(tensors: Tensors, name: string): FloatTensor | HeldTensor {
  const tensor = tensors[name]
  if (tensor) return tensor
  const given = Object.keys(tensors).join(', ')
  throw new VertebraError('MODEL_INVALID', `Expected the output "${name}" of the model's graph but it gave ${given}.`)
}
