export { type DecodeOptions, decodeImage, type ImageInput } from './images/decode.web.ts'
export * from './index.common.ts'
export {
  loadBackbone,
  loadClassifier,
  loadDetector,
  type StreamSource,
  type WebDetector,
  type WebLoadOptions,
} from './load/web.ts'
export type { CachedModel } from './models/cache.ts'
export { cachedModels, clearCachedModels } from './models/cache.web.ts'
export type { ModelInput } from './models/locate.web.ts'
