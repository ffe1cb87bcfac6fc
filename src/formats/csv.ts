import type { ImageDetections } from '../heads/detection.ts'
import { rounded } from './names.ts'

/**
 * Detections as CSV (RFC 4180, but lines end in LF): the header `file,label,category_id,score,x,y,width,height`, then
 * one line each. Boxes are COCO's, in pixels to 0.001, scores to 0.000001. Images without detections have no line.
 *
 * @example
 * writeCsv([{ file: 'a, b.jpg', width: 9, height: 9, detections }]) // … "a, b.jpg",dog,12,0.9,1.5,2,3,4
 */
export function writeCsv(images: readonly ImageDetections[]): string {
  const lines = images.flatMap(({ file, detections }) =>
    detections.map(({ label, categoryId, score, box }) => {
      const numbers = [categoryId, rounded(score, 6), ...box.map((value) => rounded(value, 3))]
      return `${quoted(file)},${quoted(label)},${numbers.join(',')}\n`
    }),
  )
  return `file,label,category_id,score,x,y,width,height\n${lines.join('')}`
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
