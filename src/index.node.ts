export { type LoadedBackbone, type LoadOptions, loadBackbone, loadDetector } from './detector/load.node.ts'
export { type DecodeOptions, decodeImage, type ImageInput } from './images/decode.node.ts'
export * from './index.common.ts'
