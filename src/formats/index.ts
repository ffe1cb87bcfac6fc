export type { Detection, ImageDetections } from '../heads/detection.ts'
export { type CocoResult, type CocoWriteOptions, cocoResults, writeCocoResults } from './coco.ts'
export {
  type CocoAnnotation,
  type CocoCategory,
  type CocoImage,
  type CocoInstances,
  readCocoInstances,
  readCocoResults,
} from './coco-read.ts'
export { writeCsv } from './csv.ts'
export { writeJson } from './json.ts'
export { writeTable } from './table.ts'
export { writeVocResults, writeVocXml } from './voc.ts'
export { writeYolo } from './yolo.ts'
