import type { XYWH } from '../boxes/boxes.ts'
import type { ImageDetections } from '../heads/detection.ts'
import { distinctNames, rounded, stemOf } from './names.ts'

/** One line of a COCO results file. */
export interface CocoResult {
  /** The image's id in the annotation file; a string only where no number is known. */
  readonly image_id: number | string
  readonly category_id: number
  /** Left edge, top edge, width, height in pixels, 0-based. */
  readonly bbox: XYWH
  readonly score: number
}

export interface CocoWriteOptions {
  /** The id of an image. Default: see `writeCocoResults`. */
  readonly imageId?: ((file: string) => number | string) | undefined
}

/**
 * Detections as COCO results: one JSON array of `{image_id, category_id, bbox: [x, y, width, height], score}`, one per
 * line, boxes to 0.001 px and scores to 0.000001 (https://cocodataset.org/#format-results).
 *
 * Without `imageId` an image's id is the number that its file name is (`000000000139.jpg`: 139, and COCO's
 * `COCO_val2014_000000000042.jpg`: 42), or else the file name without extension; where two files would share an id,
 * every id is the file as given.
 *
 * @example
 * writeCocoResults([{ file: '42.jpg', width: 9, height: 9, detections }])
 * // [
 * // {"image_id":42,"category_id":18,"bbox":[1.5,2,3,4],"score":0.9}
 * // ]
 */
export function writeCocoResults(images: readonly ImageDetections[], options: CocoWriteOptions = {}): string {
  const lines = cocoResults(images, options).map((result) => JSON.stringify(result))
  return lines.length === 0 ? '[]\n' : `[\n${lines.join(',\n')}\n]\n`
}

/** The entries of `writeCocoResults` as objects. */
export function cocoResults(images: readonly ImageDetections[], { imageId }: CocoWriteOptions = {}): CocoResult[] {
  const idOf =
    imageId ??
    distinctNames(
      images.map(({ file }) => file),
      idOfName,
    )
  return images.flatMap(({ file, detections }) => {
    const image_id = idOf(file)
    return detections.map(({ box: [x, y, width, height], categoryId, score }): CocoResult => {
      const bbox: XYWH = [rounded(x, 3), rounded(y, 3), rounded(width, 3), rounded(height, 3)]
      return { image_id, category_id: categoryId, bbox, score: rounded(score, 6) }
    })
  })
}

/** The number that a file name is (also `COCO_val2014_000000000042.jpg`), or else the name without extension. */
export function idOfName(file: string): number | string {
  const stem = stemOf(file)
  const digits = /^(?:COCO_[a-z]+\d{4}_)?(\d{1,15})$/.exec(stem)?.[1]
  return digits === undefined ? stem : Number(digits)
}
