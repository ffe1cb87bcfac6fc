import type { XYWH } from '../boxes/boxes.ts'
import type { Detection, ImageDetections } from '../heads/detection.ts'
import { baseName, distinctNames, rounded, stemOf } from './names.ts'

/**
 * VOC counts pixels from 1 and both corners belong to the box: [x1, x2) becomes xmin = x1 + 1 and xmax = x2.
 */
function toVoc([x, y, width, height]: XYWH): [xmin: number, ymin: number, xmax: number, ymax: number] {
  return [x + 1, y + 1, x + width, y + height]
}

/**
 * One image's detections as a VOC annotation (the XML of `Annotations/`). Corners are whole pixels from 1, inclusive,
 * inside the picture; a box thinner than a pixel is the pixel it lies in.
 * `score` (to 0.000001) is an addition that readers of VOC pass over.
 *
 * XML cannot hold most control characters: they become U+FFFD.
 *
 * @example
 * writeVocXml({ file: 'a.jpg', width: 500, height: 375, detections })
 */
export function writeVocXml({ file, width, height, detections }: ImageDetections): string {
  const objects = detections.map(({ box, label, score }) => {
    const [xmin, ymin, xmax, ymax] = toVoc(box)
    const [left, right] = wholePixels(xmin, xmax, width)
    const [top, bottom] = wholePixels(ymin, ymax, height)
    return `  <object>
    <name>${escapeXml(label)}</name>
    <pose>Unspecified</pose>
    <truncated>0</truncated>
    <difficult>0</difficult>
    <score>${rounded(score, 6)}</score>
    <bndbox><xmin>${left}</xmin><ymin>${top}</ymin><xmax>${right}</xmax><ymax>${bottom}</ymax></bndbox>
  </object>
`
  })
  return `<annotation>
  <filename>${escapeXml(baseName(file))}</filename>
  <size><width>${width}</width><height>${height}</height><depth>3</depth></size>
  <segmented>0</segmented>
${objects.join('')}</annotation>
`
}

/**
 * The results files of the VOC development kit: for each label the lines `<image id> <score> <xmin> <ymin> <xmax>
 * <ymax>`, images in the given order. Corners are real numbers from 1, inclusive, to 0.001 px, scores to 0.000001; the
 * image id is the file name without extension (where two files would share one: the file as given), with white space and
 * "%" percent-encoded, since spaces separate.
 *
 * @param labels every label of the model, so that those never found get their empty file.
 * @returns the text of each file by its name, `comp4_det_test_<label>.txt`, the label percent-encoded where file systems need it.
 */
export function writeVocResults(images: readonly ImageDetections[], labels: readonly string[]): Map<string, string> {
  const idOf = distinctNames(
    images.map(({ file }) => file),
    stemOf,
  )
  const lines = new Map<string, string[]>(labels.map((label) => [label, []]))
  for (const { file, detections } of images) {
    const id = idOf(file).replace(/[\s%]/gu, encodeURIComponent)
    for (const detection of detections) {
      const own = lines.get(detection.label) ?? []
      own.push(resultLine(id, detection))
      lines.set(detection.label, own)
    }
  }
  return new Map([...lines].map(([label, own]) => [`comp4_det_test_${fileSafe(label)}.txt`, own.join('')]))
}

function resultLine(id: string, { score, box }: Detection): string {
  return `${id} ${score.toFixed(6)} ${toVoc(box)
    .map((value) => rounded(value, 3))
    .join(' ')}\n`
}

/** First and last pixel, from 1, inside the picture; a box thinner than a pixel becomes the one that its middle lies in. */
function wholePixels(first: number, last: number, size: number): [first: number, last: number] {
  const inside = (pixel: number): number => Math.min(Math.max(pixel, 1), size)
  const from = inside(Math.round(first))
  const to = inside(Math.round(last))
  if (from <= to) return [from, to]
  const middle = inside(Math.floor((first + last + 1) / 2))
  return [middle, middle]
}

/** A label as part of a file name, with what file systems refuse percent-encoded. */
function fileSafe(label: string): string {
  return label.replace(/[%/\\:*?"<>|]|(?![\x7f-\x9f])\p{Cc}/gu, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}

function escapeXml(text: string): string {
  return (
    text
      // What XML 1.0 forbids.
      .replace(/(?![\t\n\r\x7f-\x9f])\p{Cc}|[\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`)
  )
}
