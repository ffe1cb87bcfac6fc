export { drawDetections, type EncodeOptions, encodeImage, type PictureFormat, pictureFormat } from './encode.node.ts'
export * from './index.ts'
