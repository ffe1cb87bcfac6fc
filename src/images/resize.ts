import { checkSides } from '../checks.ts'
import { type RgbImage, requireRgb } from './image.ts'
import type { ResizeFilter } from './input-spec.ts'
import { resampleRows } from './resample.ts'

/**
 * Resizes a picture to `width` x `height` pixels, in 8-bit levels.
 *
 * `antialias` equals Pillow's `Image.resize(size, Resampling.BILINEAR)` bit for bit; `bilinear` equals torch's
 * `interpolate(mode='bilinear', align_corners=False)` rounded to the nearest level (and cv2's `INTER_LINEAR` to 1 level).
 *
 * @throws VertebraError `INVALID_ARGUMENT` for a side that is not a whole number from 1 up, or data of a wrong length.
 * @example
 * const half = resizeImage(image, image.width >> 1, image.height >> 1, 'antialias')
 */
export function resizeImage(image: RgbImage, width: number, height: number, filter: ResizeFilter): RgbImage {
  requireRgb(image)
  checkSides(width, height)
  const data = new Uint8Array(width * height * 3)
  resampleRows(image, width, height, { filter, output: 'uint8' }, (y, row) => data.set(row, y * width * 3))
  return { width, height, data }
}
