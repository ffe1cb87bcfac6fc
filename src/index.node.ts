export { type DecodeOptions, decodeImage, type ImageInput } from './images/decode.node.ts'
export * from './index.common.ts'
export { loadBackbone, loadDetector, type NodeLoadOptions } from './load/node.ts'
