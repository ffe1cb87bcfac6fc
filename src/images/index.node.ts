export { type DecodeOptions, decodeImage, type ImageInput, type SharpPipeline } from './decode.node.ts'
export * from './index.ts'
