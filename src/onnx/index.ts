export { decodeModel, encodeModel } from './codec.ts'
export {
  type ConvOptions,
  GraphBuilder,
  type NodeOptions,
  type Pads,
  type PoolOptions,
  type RoiAlignOptions,
  type Value,
  type WindowOptions,
} from './graph.ts'
export {
  type Attribute,
  DATA_TYPES,
  type DataType,
  type Dim,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueInfo,
} from './model.ts'
export { countOperations, type InputDims, inferShapes, type OperationCount } from './shapes.ts'
export { float32Of, int8Of, int64Tensor, type TensorData, tensorFrom } from './tensors.ts'
export { dequantizeWeights } from './transforms/dequantize-weights.ts'
export { foldBatchNorm } from './transforms/fold-batch-norm.ts'
export { type JoinOptions, joinModels } from './transforms/join.ts'
export { pruneModel } from './transforms/prune.ts'
export { type QuantizeOptions, quantizeWeights } from './transforms/quantize-weights.ts'
export { winogradConvolutions } from './transforms/winograd.ts'
