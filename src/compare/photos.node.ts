import type { XYWH } from '../boxes/boxes.ts'
import type { Backbone } from '../detector/backbone.ts'
import { drawHeatMap, encodeImage, renderSvg } from '../draw/index.node.ts'
import { operatingPoint } from '../evaluate/index.ts'
import type { CocoAnnotation, CocoCategory, CocoResult } from '../formats/index.ts'
import type { Detection } from '../heads/detection.ts'
import { decodeImage, type ImageInput, type RgbImage, resizeImage } from '../images/index.node.ts'
import type { WorkOptions } from '../progress.ts'
import type { ComparedPhoto, PhotoObject, PhotoView } from './comparison.ts'

/** A photo to show, and what is known of it. */
export interface PhotoToCompare {
  readonly name: string
  readonly input: ImageInput
  /** Per model, highest score first, with the category ids of `truth`. */
  readonly detections: readonly (readonly Detection[])[]
  /** What is on it, where that is known. */
  readonly truth?: { readonly annotations: readonly CocoAnnotation[]; readonly categories: readonly CocoCategory[] }
}

export interface ComparePhotoOptions extends WorkOptions {
  /** Score from which boxes are drawn and counted. */
  readonly at: number
  /** The feature level that is shown; undefined shows none. */
  readonly level: string | undefined
}

/** Longer side of the pictures in a report: enough to see, and few enough bytes for a page of a dozen. */
const LONGEST = 560
const QUALITY = 72

/**
 * Draws a photo as each model sees it: its boxes, and the strength of one feature level.
 *
 * @throws VertebraError what decoding, running and drawing throw; `ABORTED`.
 */
export async function comparePhoto(
  { name, input, detections, truth }: PhotoToCompare,
  backbones: readonly Backbone<ImageInput>[],
  { at, level, signal }: ComparePhotoOptions,
): Promise<ComparedPhoto> {
  const photo = await decodeImage(input, { signal })
  const shrink = Math.min(1, LONGEST / Math.max(photo.width, photo.height))
  const small = shrink < 1 ? shrunk(photo, shrink) : photo
  const scale = { x: small.width / photo.width, y: small.height / photo.height }
  const picture = await pictureUrl(small)
  // One colour per class whatever its place among a model's labels.
  const labels = [
    ...new Set([...(truth?.categories ?? []), ...detections.flat().map(named)].map((class_) => class_.name)),
  ]
  const views: PhotoView[] = []
  for (const [m, backbone] of backbones.entries()) {
    const own = (detections[m] ?? []).filter(({ score }) => score >= at)
    const drawn = own.map(({ box, label, score }) => ({
      box: scaled(box, scale),
      label,
      score,
      classIndex: labels.indexOf(label),
    }))
    views.push({
      drawing: renderSvg(small, drawn, { picture }),
      detections: own.map(({ label, score }) => ({ label, score })),
      counts: truth && counts(truth, detections[m] ?? [], at),
      heatMap: level === undefined ? undefined : await heatMap(photo, small, backbone, level, signal),
    })
  }
  const objects = truth?.annotations.map((annotation): PhotoObject => {
    const label = truth.categories.find(({ id }) => id === annotation.category_id)?.name ?? ''
    return { box: scaled(annotation.bbox, scale), label, ignored: isIgnored(annotation) }
  })
  return { name, width: small.width, height: small.height, objects, views }
}

/**
 * The feature level to look at: one that all backbones have by name, of stride 16 where there is one, else the coarsest.
 */
export function commonLevel(backbones: readonly Pick<Backbone<unknown>, 'features'>[]): string | undefined {
  const [first, ...others] = backbones
  const common = (first?.features ?? []).filter(({ name }) =>
    others.every(({ features }) => features.some((level) => level.name === name)),
  )
  const backboneLevels = common.filter(({ name }) => !name.startsWith('p'))
  const levels = backboneLevels.length > 0 ? backboneLevels : common
  return (levels.find(({ stride }) => stride === 16) ?? levels.at(-1))?.name
}

async function heatMap(
  photo: RgbImage,
  small: RgbImage,
  backbone: Backbone<ImageInput>,
  level: string,
  signal: AbortSignal | undefined,
): Promise<PhotoView['heatMap']> {
  const map = (await backbone.extract({ ...photo, channels: 3 }, { levels: [level], signal }))[level]
  if (map === undefined) return undefined
  const url = await pictureUrl(drawHeatMap(small, map, { placement: map.placement }))
  return { level, stride: map.stride, url }
}

function counts(
  { annotations, categories }: NonNullable<PhotoToCompare['truth']>,
  detections: readonly Detection[],
  at: number,
): PhotoView['counts'] {
  const image = { id: 0, file_name: '', width: 1, height: 1 }
  const own = annotations.map((annotation) => ({ ...annotation, image_id: 0 }))
  const results = detections.map(
    ({ box, categoryId, score }): CocoResult => ({ image_id: 0, category_id: categoryId, bbox: box, score }),
  )
  const point = operatingPoint({ images: [image], annotations: own, categories }, results, { minScore: at })
  return { found: point.truePositives, wrong: point.falsePositives }
}

async function pictureUrl(image: RgbImage): Promise<string> {
  const bytes = await encodeImage(image, { format: 'webp', quality: QUALITY })
  return `data:image/webp;base64,${bytes.toString('base64')}`
}

function shrunk(photo: RgbImage, by: number): RgbImage {
  const side = (length: number): number => Math.max(1, Math.round(length * by))
  return resizeImage(photo, side(photo.width), side(photo.height), 'antialias')
}

function scaled([x, y, width, height]: XYWH, by: { x: number; y: number }): XYWH {
  return [x * by.x, y * by.y, width * by.x, height * by.y]
}

const named = ({ label }: Detection): { readonly name: string } => ({ name: label })
const isIgnored = ({ iscrowd, difficult }: CocoAnnotation): boolean => iscrowd === 1 || difficult === 1
