import type { XYWH } from '../boxes/boxes.ts'

/** One object found in a photo. */
export interface Detection {
  /** Left edge, top edge, width and height in pixels of the photo as given. */
  readonly box: XYWH
  /** The class's name. */
  readonly label: string
  /** The class's place among the model's labels, from 0. */
  readonly classIndex: number
  /** The class's id in the data set the model was trained on (COCO or VOC). */
  readonly categoryId: number
  /** 0 to 1: the class's probability, times a power of the objectness where the model says so (`head.objectnessPower`). */
  readonly score: number
}

/** The objects of one photo, highest score first. */
export interface ImageDetections {
  /** The photo's file name or path, or any name by which it is known. */
  readonly file: string
  /** Size of the photo in pixels. */
  readonly width: number
  readonly height: number
  readonly detections: readonly Detection[]
}
