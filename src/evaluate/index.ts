export {
  BOOTSTRAP_FIGURES,
  type BootstrapClassSamples,
  type BootstrapFigure,
  type BootstrapOptions,
  type BootstrapSamples,
  bootstrap,
  bootstrapDifference,
  type Interval,
} from './bootstrap.ts'
export {
  type CocoClassStats,
  type CocoCurve,
  type CocoCurveOptions,
  type CocoEvaluation,
  cocoCurve,
  evaluateCoco,
} from './coco.ts'
export type { CocoCurves } from './coco-accumulate.ts'
export {
  COCO_AREAS,
  COCO_IOU_THRESHOLDS,
  COCO_MAX_DETECTIONS,
  COCO_RECALL_THRESHOLDS,
  type CocoArea,
} from './coco-parameters.ts'
export type { CocoStats } from './coco-stats.ts'
export { type Confusion, confusionMatrix } from './confusion.ts'
export {
  type ErrorBreakdown,
  type ErrorBreakdownOptions,
  type ErrorClassCounts,
  errorBreakdown,
} from './error-breakdown.ts'
export { ERROR_KINDS, type ErrorKind } from './error-kinds.ts'
export {
  type ClassPointStats,
  type OperatingPoint,
  type OperatingPointOptions,
  operatingPoint,
  type PointStats,
} from './operating-point.ts'
export { scoreCutWarning } from './score-cut.ts'
export type { GroundTruthOptions } from './table.ts'
export { evaluateVoc, type VocClassStats, type VocEvaluation, type VocOptions } from './voc.ts'
export { averagePrecision, type VocMethod } from './voc-average-precision.ts'
