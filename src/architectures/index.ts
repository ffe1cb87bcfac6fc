export { type AlexnetDescription, alexnet } from './alexnet.ts'
export { backboneFeatures, buildBackbone, buildClassifier } from './backbone.ts'
export type { BackboneDescription } from './backbone-description.ts'
export type { FeatureInfo } from './feature.ts'
export { type PyramidDescription, pyramidFeatures } from './fpn.ts'
export { type GooglenetDescription, googlenet, type InceptionWidths } from './googlenet.ts'
export type { Norm } from './layers.ts'
export type { OutlineLayer, OutlineShortcut } from './outline.ts'
export { ARCHITECTURES, type Architecture, architectureByName } from './registry.ts'
export type { ResidualDescription } from './residual-description.ts'
export { cifarResnet, preactResnet, type ResnetDepth, resnet, resnext, slimResnetV2 } from './resnet.ts'
export { buildRoiHead, type RoiBody, type RoiHeadDescription, type RoiPooling } from './roi-head.ts'
export { buildRpn, type RpnDescription, rpnFeatures } from './rpn.ts'
export {
  type ArchitectureSummary,
  type FeatureSummary,
  type StageSummary,
  summarizeArchitecture,
  type UnitSummary,
} from './summary.ts'
export { type VggDepth, type VggDescription, vgg } from './vgg.ts'
