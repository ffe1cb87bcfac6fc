import type { Model } from '../onnx/model.ts'
import { computeInHalf } from '../onnx/transforms/compute-in-half.ts'
import { dequantizeWeights } from '../onnx/transforms/dequantize-weights.ts'
import { restoreFloats } from '../onnx/transforms/restore-floats.ts'
import { winogradConvolutions } from '../onnx/transforms/winograd.ts'
import type { DeviceTraits } from '../runtime/runtime.ts'

/** What a network can compute in. */
export const PRECISIONS = ['float32', 'float16', 'int8'] as const

export type Precision = (typeof PRECISIONS)[number]

/** A stored graph as it computes in a precision on a device: the files are the same for all. */
export function inPrecision(
  model: Model,
  precision: Precision,
  { keepsInt8Weights, prefersWinograd }: Pick<DeviceTraits, 'keepsInt8Weights' | 'prefersWinograd'>,
): Model {
  const layers = precision === 'int8' ? model : restoreFloats(model)
  const weights = keepsInt8Weights ? layers : dequantizeWeights(layers)
  if (precision === 'float16') return computeInHalf(weights)
  return precision === 'float32' && prefersWinograd ? winogradConvolutions(weights) : weights
}
