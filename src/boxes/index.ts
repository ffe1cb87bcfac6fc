export {
  type AnchorLevel,
  type AnchorSpec,
  anchorStride,
  cellAnchors,
  gridAnchors,
} from './anchors.ts'
export {
  type Boxes,
  boxAreas,
  type Corners,
  clipBoxes,
  countBoxes,
  fromXYWH,
  type Size,
  scaleBoxes,
  toXYWH,
  type XYWH,
} from './boxes.ts'
export { type BoxCoderSpec, decodeBoxes, encodeBoxes, LOG_1000_16 } from './coder.ts'
export { iou, iouMatrix, iouOneToMany } from './iou.ts'
export { type NmsOptions, nms } from './nms.ts'
export { type SoftNmsOptions, type SoftNmsResult, softNms } from './soft-nms.ts'
export { type PlaneLayout, topK } from './top-k.ts'
