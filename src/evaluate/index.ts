export {
  COCO_AREAS,
  COCO_IOU_THRESHOLDS,
  COCO_MAX_DETECTIONS,
  COCO_RECALL_THRESHOLDS,
  type CocoCategoryFigures,
  type CocoEvaluation,
  type CocoFigures,
  evaluateCoco,
} from './coco.ts'
export { evaluateVoc, type VocCategoryFigures, type VocEvaluation, type VocOptions } from './voc.ts'
