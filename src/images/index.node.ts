export { type DecodeOptions, decodeImage, type ImageInput, type SharpPipeline } from './decode.node.ts'
export * from './index.ts'
export { expandSources, IMAGE_EXTENSIONS, type ImageSources } from './sources.node.ts'
