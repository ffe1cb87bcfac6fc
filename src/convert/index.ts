export { partNames, readWeights } from '../weights/containers/index.ts'
export { readSafetensors } from '../weights/containers/safetensors.ts'
export { torchvisionResnet, torchvisionVgg } from '../weights/dialects/torchvision.ts'
export { randomWeights } from '../weights/random.ts'
export type { ElementType, StoredTensor, WeightFile } from '../weights/stored-tensor.ts'
export { storedWeights } from '../weights/stored-weights.ts'
export { renameWeights, type Weights } from '../weights/weights.ts'
export {
  type ConvertedModel,
  convertDetector,
  type ModelOutput,
  STORED_PRECISIONS,
  type StoredPrecision,
} from './convert.ts'
export { DIALECT_NAMES, type DialectOptions, detectorRecipe } from './dialects/index.ts'
export type { About, ManifestBase, NetworkDescription, Recipe } from './recipe.ts'
export { type ResidualBackbone, residualBackbone } from './residual-backbone.ts'
export { vertebraDetector } from './vertebra-detector.ts'
