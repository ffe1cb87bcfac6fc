import type { XYWH } from '../boxes/boxes.ts'
import { unexpected, VertebraError } from '../errors.ts'
import type { CocoResult } from './coco.ts'

export interface CocoImage {
  readonly id: number | string
  readonly file_name: string
  readonly width: number
  readonly height: number
}

export interface CocoCategory {
  readonly id: number
  readonly name: string
}

export interface CocoAnnotation {
  readonly id: number | string
  readonly image_id: number | string
  readonly category_id: number
  /** Left edge, top edge, width, height in pixels, 0-based. */
  readonly bbox: XYWH
  /** Square pixels; of the segmentation in COCO's own files. The box's where the file has none. */
  readonly area: number
  /** 1: a region of many objects, which evaluation ignores. */
  readonly iscrowd: 0 | 1
  /** 1: hard to recognise (VOC). 0 where the file says nothing. */
  readonly difficult: 0 | 1
}

/** What is used of a COCO annotation file. */
export interface CocoInstances {
  readonly images: readonly CocoImage[]
  readonly annotations: readonly CocoAnnotation[]
  readonly categories: readonly CocoCategory[]
}

/**
 * Reads a COCO instances file. Ids must be unique, and every annotation must name an image and a category of the file
 * and have a finite box without negative sides; other fields are left out.
 *
 * @param json the text of the file, or what `JSON.parse` made of it.
 * @param origin the file's name, for messages.
 * @throws VertebraError `DATA_INVALID` that names the entry.
 */
export function readCocoInstances(json: unknown, origin = 'COCO annotations'): CocoInstances {
  const file = parse(json, origin)
  if (!isRecord(file)) throw wrong(origin, 'an object with images, annotations and categories', file)
  const images = list(file, 'images', origin).map((entry, i): CocoImage => {
    const at = `images[${i}] of ${origin}`
    const { id, file_name, width, height } = record(entry, at)
    if (typeof file_name !== 'string') throw wrong(`file_name of ${at}`, 'a string', file_name)
    return {
      id: idOf(id, `id of ${at}`),
      file_name,
      width: positive(width, `width of ${at}`),
      height: positive(height, `height of ${at}`),
    }
  })
  const categories = list(file, 'categories', origin).map((entry, i): CocoCategory => {
    const at = `categories[${i}] of ${origin}`
    const { id, name } = record(entry, at)
    if (typeof name !== 'string') throw wrong(`name of ${at}`, 'a string', name)
    return { id: integer(id, `id of ${at}`), name }
  })
  const imageIds = unique(images, `images of ${origin}`)
  const categoryIds = unique(categories, `categories of ${origin}`)
  const annotations = list(file, 'annotations', origin).map((entry, i): CocoAnnotation => {
    const at = `annotations[${i}] of ${origin}`
    const { id, image_id, category_id, bbox, area, iscrowd, difficult } = record(entry, at)
    const box = boxOf(bbox, `bbox of ${at}`)
    return {
      id: idOf(id, `id of ${at}`),
      image_id: known(image_id, imageIds, `image_id of ${at}`, 'the id of an image of the file'),
      category_id: known(category_id, categoryIds, `category_id of ${at}`, 'the id of a category of the file'),
      bbox: box,
      area: area === undefined ? box[2] * box[3] : notNegative(area, `area of ${at}`),
      iscrowd: flag(iscrowd, `iscrowd of ${at}`),
      difficult: flag(difficult, `difficult of ${at}`),
    }
  })
  unique(annotations, `annotations of ${origin}`)
  return { images, annotations, categories }
}

/**
 * Reads a COCO results file: an array of `{image_id, category_id, bbox, score}`. Boxes must be finite without negative
 * sides, scores finite; whether ids exist is the evaluation's question.
 *
 * @param json the text of the file, or what `JSON.parse` made of it.
 * @param origin the file's name, for messages.
 * @throws VertebraError `DATA_INVALID` that names the entry.
 */
export function readCocoResults(json: unknown, origin = 'COCO results'): CocoResult[] {
  const file = parse(json, origin)
  if (!Array.isArray(file)) throw wrong(origin, 'an array of results', file)
  return file.map((entry: unknown, i): CocoResult => {
    const at = `[${i}] of ${origin}`
    const { image_id, category_id, bbox, score } = record(entry, at)
    return {
      image_id: idOf(image_id, `image_id of ${at}`),
      category_id: integer(category_id, `category_id of ${at}`),
      bbox: boxOf(bbox, `bbox of ${at}`),
      score: finite(score, `score of ${at}`),
    }
  })
}

type Entry = Readonly<Record<string, unknown>>

function parse(json: unknown, origin: string): unknown {
  if (typeof json !== 'string') return json
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new VertebraError('DATA_INVALID', `Expected JSON in ${origin} but it could not be parsed: ${cause}.`, {
      cause,
    })
  }
}

function wrong(name: string, what: string, value: unknown): VertebraError {
  return unexpected(name, what, value, 'DATA_INVALID')
}

function isRecord(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function record(value: unknown, name: string): Entry {
  if (!isRecord(value)) throw wrong(name, 'an object', value)
  return value
}

function list(file: Entry, field: string, origin: string): readonly unknown[] {
  const value = file[field]
  if (!Array.isArray(value)) throw wrong(`${field} of ${origin}`, 'an array', value)
  return value
}

function finite(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(name, 'a finite number', value)
  return value
}

function notNegative(value: unknown, name: string): number {
  if (!(finite(value, name) >= 0)) throw wrong(name, 'a number of 0 or more', value)
  return value as number
}

function positive(value: unknown, name: string): number {
  if (!(finite(value, name) > 0)) throw wrong(name, 'a number above 0', value)
  return value as number
}

function integer(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value)) throw wrong(name, 'an integer', value)
  return value as number
}

function idOf(value: unknown, name: string): number | string {
  if (typeof value === 'string' || Number.isSafeInteger(value)) return value as number | string
  throw wrong(name, 'an integer or a string', value)
}

function flag(value: unknown, name: string): 0 | 1 {
  if (value === undefined || value === 0 || value === false) return 0
  if (value === 1 || value === true) return 1
  throw wrong(name, '0 or 1', value)
}

function boxOf(value: unknown, name: string): XYWH {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(Number.isFinite) || value[2] < 0 || value[3] < 0) {
    throw wrong(name, 'four finite numbers x, y, width, height without negative sides', value)
  }
  return [value[0], value[1], value[2], value[3]]
}

function known<Id extends number | string>(value: unknown, ids: ReadonlySet<Id>, name: string, what: string): Id {
  if (!ids.has(value as Id)) throw wrong(name, what, value)
  return value as Id
}

function unique<Id extends number | string>(entries: readonly { readonly id: Id }[], name: string): Set<Id> {
  const ids = new Set<Id>()
  for (const { id } of entries) {
    if (ids.has(id)) throw wrong(`id in ${name}`, 'each id once', id)
    ids.add(id)
  }
  return ids
}
