export { type Announcer, type AnnouncerOptions, createAnnouncer } from './announcer.web.ts'
export type { TrackableDetection } from './glide.ts'
export { heatLayer, type PlacedFeatureMap } from './heat-layer.web.ts'
export * from './index.ts'
export {
  createOverlay,
  type Overlay,
  type OverlayMedia,
  type OverlayOptions,
  type OverlayResult,
} from './overlay.web.ts'
export { describeDetections } from './summary.ts'
