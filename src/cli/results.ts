import { join } from 'node:path'
import { VertebraError } from '../errors.ts'
import {
  type ImageDetections,
  writeCocoResults,
  writeCsv,
  writeJson,
  writeTable,
  writeVocResults,
  writeVocXml,
  writeYolo,
} from '../formats/index.ts'
import { outputNames } from './output-names.ts'
import { writeWhole } from './write-whole.ts'

export const RESULT_FORMATS = ['table', 'json', 'coco', 'voc', 'yolo', 'csv'] as const

export type ResultFormat = (typeof RESULT_FORMATS)[number]

/** VOC and YOLO have one file per photo. */
export const isFolderFormat = (format: ResultFormat): boolean => format === 'voc' || format === 'yolo'

/** What a format needs to know besides the detections. */
export interface ResultContext {
  readonly labels: readonly string[]
  /** Written into the JSON form. */
  readonly about: Readonly<Record<string, unknown>>
  /** Ids for COCO results by file name. Default: see `writeCocoResults`. */
  readonly imageId?: ((file: string) => number | string) | undefined
}

/** The results as one text. VOC and YOLO can hold one photo only this way. */
export function resultText(
  format: ResultFormat,
  images: readonly ImageDetections[],
  { about, imageId }: ResultContext,
): string {
  switch (format) {
    case 'table':
      return writeTable(images)
    case 'json':
      return writeJson(images, about)
    case 'coco':
      return writeCocoResults(images, { imageId })
    case 'csv':
      return writeCsv(images)
    case 'voc':
      return images.map(writeVocXml).join('')
    case 'yolo':
      return images.map(writeYolo).join('')
  }
}

/**
 * Writes the results to a file, or for VOC and YOLO into a folder: one file per photo and, for VOC, the
 * `comp4_det_test_<class>.txt` files; for YOLO, `classes.txt`.
 * @throws VertebraError `OUTPUT_FAILED`.
 */
export async function writeResults(
  format: ResultFormat,
  path: string,
  images: readonly ImageDetections[],
  context: ResultContext,
): Promise<void> {
  if (!isFolderFormat(format)) return writeWhole(path, resultText(format, images, context))
  const names = outputNames(
    images.map((image) => image.file),
    format === 'yolo' ? ['classes'] : [],
  )
  const [extension, write] = format === 'voc' ? (['xml', writeVocXml] as const) : (['txt', writeYolo] as const)
  for (const [i, image] of images.entries()) await writeWhole(join(path, `${names[i]}.${extension}`), write(image))
  if (format === 'yolo') return writeWhole(join(path, 'classes.txt'), `${context.labels.join('\n')}\n`)
  for (const [name, lines] of writeVocResults(images, context.labels)) await writeWhole(join(path, name), lines)
}

/** @throws VertebraError `INVALID_ARGUMENT` when several photos would be written to one VOC or YOLO text. */
export function checkOutput(format: ResultFormat, out: string | undefined, photos: number): void {
  if (out === undefined && isFolderFormat(format) && photos > 1) {
    throw new VertebraError(
      'INVALID_ARGUMENT',
      `The ${format} format has one file per photo: give the folder for them with --out.`,
    )
  }
}
