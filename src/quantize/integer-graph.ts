import type { Model } from '../onnx/model.ts'
import { type ByteScale, insertQuantization } from '../onnx/transforms/insert-quantization.ts'
import type { Int8Weight } from '../onnx/transforms/int8-weights.ts'
import { integerLayout } from '../onnx/transforms/integer-layout.ts'
import { quantizeWeights } from '../onnx/transforms/quantize-weights.ts'
import type { ByteRange } from './byte-range.ts'
import { biasCorrections, layerGroups } from './layers.ts'

/** One graph of a detector in float32, with what calibration found out about it. */
export interface CalibratedGraph {
  readonly model: Model
  /** What the bytes of each value hold. */
  readonly ranges: ReadonlyMap<string, ByteRange>
  readonly scales: ReadonlyMap<string, ByteScale>
  /** The int8 form of every weight that a layer in integers may read. */
  readonly weights: ReadonlyMap<string, Int8Weight>
  /** Means of the channels of each value. */
  readonly means: ReadonlyMap<string, Float64Array>
}

export interface IntegerOptions {
  /** Groups of layers that stay in float32. Default: none. */
  readonly kept?: ReadonlySet<string> | undefined
  /** Whether biases take back what rounding the weights adds. Default true. */
  readonly corrected?: boolean | undefined
  /** Store the weights of layers that stay in float32 as int8, from which they came. Default false. */
  readonly int8Weights?: boolean | undefined
}

/** The graph with its layers in integers. */
export function integerGraph({ model, scales, means, weights }: CalibratedGraph, options: IntegerOptions = {}): Model {
  const { kept, corrected = true } = options
  const groups = layerGroups(model)
  const layout = integerLayout(model.graph, (node) => !kept?.has(groups.get(node) ?? ''))
  const corrections = corrected ? biasCorrections(model, { layout, weights }, means) : new Map()
  const integer = insertQuantization(model, { layout, scales, weights, corrections })
  return options.int8Weights ? quantizeWeights(integer) : integer
}
