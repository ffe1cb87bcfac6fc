export { type DecodeOptions, decodeImage, type ImageInput } from './decode.web.ts'
export * from './index.ts'
