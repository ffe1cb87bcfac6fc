export type { Detection, ImageDetections } from '../heads/detection.ts'
export { type CocoResult, type CocoWriteOptions, cocoResults, writeCocoResults } from './coco.ts'
export { type CocoDatasetOptions, readCocoDataset, writeCocoDataset } from './coco-dataset.ts'
export {
  type CocoAnnotation,
  type CocoCategory,
  type CocoImage,
  type CocoInstances,
  readCocoInstances,
  readCocoResults,
} from './coco-read.ts'
export { writeCsv } from './csv.ts'
export type {
  Dataset,
  DatasetAnnotation,
  DatasetCategory,
  DatasetFiles,
  DatasetImage,
  DatasetProblem,
  DatasetProblemKind,
  DatasetReading,
  OtherFields,
  TextFolder,
} from './dataset.ts'
export { checkImageFiles, countProblems, type DatasetSummary, summarizeDataset } from './dataset-summary.ts'
export { writeJson } from './json.ts'
export type { ByteChunks } from './json-stream.ts'
export { type NpyArray, writeNpy, writeNpz } from './npz.ts'
export { writeTable } from './table.ts'
export { writeVocResults, writeVocXml } from './voc.ts'
export { readVocDataset, type VocDatasetOptions, writeVocDataset } from './voc-dataset.ts'
export { VOC_LABELS } from './voc-labels.ts'
export { readVocResults } from './voc-results-read.ts'
export { writeYolo } from './yolo.ts'
export { readYoloDataset, writeYoloDataset, type YoloDatasetOptions } from './yolo-dataset.ts'
