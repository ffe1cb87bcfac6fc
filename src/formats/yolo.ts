import type { ImageDetections } from '../heads/detection.ts'

/**
 * One image's detections as YOLO text: a line `<class> <cx> <cy> <width> <height> <confidence>` each, the box's centre
 * and size as fractions of the picture's width and height, to 0.000001 (the form of Ultralytics' `save_txt` with
 * `save_conf`). The class is the label's place among the model's labels, from 0. Belongs in `<file name>.txt`.
 *
 * @example
 * writeYolo({ file: 'a.jpg', width: 100, height: 50, detections }) // "0 0.25 0.5 0.1 0.2 0.9\n", rounded to six digits
 */
export function writeYolo({ width, height, detections }: ImageDetections): string {
  return detections
    .map(({ classIndex, score, box: [x, y, w, h] }) => {
      const numbers = [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height, score]
      return `${classIndex} ${numbers.map((value) => value.toFixed(6)).join(' ')}\n`
    })
    .join('')
}
