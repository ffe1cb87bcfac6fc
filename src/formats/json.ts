import type { ImageDetections } from '../heads/detection.ts'
import { rounded } from './names.ts'

/**
 * Detections as this library's own JSON, the only form that keeps all: `{"images": [{"file", "width", "height",
 * "detections": [{"label", "score", "box": [x, y, width, height], "classIndex", "categoryId"}]}]}`. Boxes are COCO's, in
 * pixels to 0.001, scores to 0.000001; one detection per line.
 *
 * @param about further fields at the top, before `images`: the model, the device, what failed.
 *
 * @example
 * writeJson([{ file: 'a.jpg', width: 9, height: 9, detections }], { model: 'resnet101-voc' })
 */
export function writeJson(images: readonly ImageDetections[], about: Readonly<Record<string, unknown>> = {}): string {
  const fields = Object.entries(about)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`)
  return `{\n${fields.join('')}  "images": ${array(images.map(imageJson), '  ')}\n}\n`
}

function imageJson({ file, width, height, detections }: ImageDetections): string {
  const items = detections.map(({ label, score, box, classIndex, categoryId }) =>
    JSON.stringify({
      label,
      score: rounded(score, 6),
      box: box.map((value) => rounded(value, 3)),
      classIndex,
      categoryId,
    }),
  )
  const head = JSON.stringify({ file, width, height }).slice(0, -1)
  return `${head},"detections":${array(items, '    ')}}`
}

function array(items: readonly string[], indent: string): string {
  return items.length === 0 ? '[]' : `[\n${items.map((item) => `${indent}  ${item}`).join(',\n')}\n${indent}]`
}
