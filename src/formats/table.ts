import type { ImageDetections } from '../heads/detection.ts'

/**
 * Detections as a table for a terminal: per image a line with its name, size and count, then label, score (3 decimals)
 * and COCO's box in whole pixels, in columns. Control characters in names, which could steer the terminal, become "?".
 *
 * @example
 * writeTable([{ file: 'street.jpg', width: 640, height: 480, detections }])
 * // street.jpg  640 x 480  2 objects
 * //   label   score     x     y  width  height
 * //   person  0.981    12    40     90     200
 * //   car     0.733   300   210    180      95
 */
export function writeTable(images: readonly ImageDetections[]): string {
  return images.map(imageTable).join('\n')
}

function imageTable({ file, width, height, detections }: ImageDetections): string {
  const count = detections.length
  const objects = count === 0 ? 'nothing found' : count === 1 ? '1 object' : `${count} objects`
  const title = `${printable(file)}  ${width} x ${height}  ${objects}\n`
  if (count === 0) return title
  const rows = [
    ['label', 'score', 'x', 'y', 'width', 'height'],
    ...detections.map(({ label, score, box }) => [
      printable(label),
      score.toFixed(3),
      ...box.map((value) => String(Math.round(value) + 0)),
    ]),
  ]
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(cell.length, most[i] ?? 4)), [])
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  )
  return `${title}${lines.map((line) => `  ${line}\n`).join('')}`
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '?')
}
