// What both entries share: everything that needs neither a runtime nor a platform's own pictures and files.
export type { BackboneDescription, FeatureInfo } from './architectures/index.ts'
export type { Boxes, Size, XYWH } from './boxes/index.ts'
export type { Classification, Classifier, ClassifyOptions, ClassScore } from './classify/classifier.ts'
export type { Backbone, EmbedOptions, ExtractOptions, Features, LoadedBackbone } from './detector/backbone.ts'
export { type DetectAllOptions, type DetectOutcome, detectAll } from './detector/detect-all.ts'
export type { Detector } from './detector/detector.ts'
export { cosineSimilarity, type FeatureMap, poolFeatureMap } from './detector/feature-map.ts'
export type { Precision } from './detector/in-precision.ts'
export type { LoadOptions } from './detector/load.ts'
export type { DetectOptions, NmsKind } from './detector/options.ts'
export type { PrecisionChoice } from './detector/precision.ts'
export type { DetectionResult } from './detector/result.ts'
export type { StageTimes } from './detector/stopwatch.ts'
export type { StreamOptions, StreamResult } from './detector/stream.ts'
export { VertebraError, type VertebraErrorCode } from './errors.ts'
export type { Detection, ImageDetections } from './heads/detection.ts'
export type { RawImage, RgbImage } from './images/index.ts'
export type {
  ClassifierManifest,
  DetectorManifest,
  FeaturesManifest,
  Manifest,
  ModelManifest,
  WholeManifest,
} from './models/manifest.ts'
export { parseManifest } from './models/parse-manifest.ts'
export type { Progress, WorkOptions } from './progress.ts'
export type { ChosenDevice } from './runtime/choose-device.ts'
export type { Device, DeviceChoice, DeviceReport } from './runtime/runtime.ts'
export {
  createIndex,
  type NearestOptions,
  type Neighbour,
  nearest,
  nearestOfEach,
  type SearchIndex,
} from './similar/search-index.ts'
export { createTracker, type TrackedDetection, type Tracker, type TrackOptions } from './stream/tracker.ts'
