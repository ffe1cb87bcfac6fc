/** IoU 0.50, 0.55 … 0.95, in the very numbers of `numpy.linspace(0.5, 0.95, 10)`. */
export const COCO_IOU_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : i * ((0.95 - 0.5) / 9) + 0.5,
)

/** Recall 0, 0.01 … 1, in the very numbers of `numpy.linspace(0, 1, 101)`. */
export const COCO_RECALL_THRESHOLDS: readonly number[] = Array.from({ length: 101 }, (_, i) =>
  i === 100 ? 1 : i * 0.01,
)

/** Area of an object in square pixels, both ends included. */
export const COCO_AREAS: Readonly<Record<CocoArea, readonly [low: number, high: number]>> = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
}

/** `all`, `small` (up to 32 x 32), `medium`, `large` (from 96 x 96). */
export type CocoArea = 'all' | 'small' | 'medium' | 'large'

/** Results counted per image and category, those of the highest scores. */
export const COCO_MAX_DETECTIONS: readonly number[] = [1, 10, 100]

/** T IoU thresholds, R recalls, A area ranges and M maxima are the axes of the arrays of `CocoCurves`. */
export const T: number = COCO_IOU_THRESHOLDS.length
export const R: number = COCO_RECALL_THRESHOLDS.length
export const A: number = Object.keys(COCO_AREAS).length
export const M: number = COCO_MAX_DETECTIONS.length
