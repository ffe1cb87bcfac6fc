export { partNames, readWeights } from '../weights/containers/index.ts'
export { readSafetensors } from '../weights/containers/safetensors.ts'
export { randomWeights } from '../weights/random.ts'
export type { ElementType, StoredTensor, WeightFile } from '../weights/stored-tensor.ts'
export { storedWeights } from '../weights/stored-weights.ts'
export { renameWeights, type Weights } from '../weights/weights.ts'
export { convertDetector } from './convert.ts'
export { convertBackbone, convertClassifier, type NetworkOptions } from './convert-network.ts'
export { DIALECT_NAMES, type DialectOptions, detectorRecipe } from './dialects/index.ts'
export { type ImageNetwork, imageNetwork } from './image-network.ts'
export type { NetworkInput } from './network-inputs.ts'
export type { About, ManifestBase, NetworkDescription, Recipe } from './recipe.ts'
export { type ResidualBackbone, residualBackbone } from './residual-backbone.ts'
export {
  type ConvertedModel,
  type ModelOutput,
  STORED_PRECISIONS,
  type StoredPrecision,
} from './store-model.ts'
export { vertebraDetector } from './vertebra-detector.ts'
export {
  convertWhole,
  WHOLE_KIND_NAMES,
  type WholeDetector,
  type WholeOptions,
  wholeDetector,
} from './whole/convert-whole.ts'
