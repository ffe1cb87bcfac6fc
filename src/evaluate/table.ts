import { unexpected } from '../errors.ts'
import type { CocoCategory, CocoInstances, CocoResult } from '../formats/index.ts'

type Id = number | string

export interface GroundTruthOptions {
  /**
   * What to do with objects marked `difficult` (VOC; COCO's own files have none). `ignore`, the default: they are
   * regions like COCO's crowds, so finding one is neither right nor wrong. `count`: they are objects like any other,
   * as for pycocotools, which does not know the mark.
   */
  readonly difficult?: 'ignore' | 'count' | undefined
}

/** Objects as columns, in the file's order. Boxes are x, y, width, height in float64, as pycocotools computes. */
export interface ObjectTable {
  readonly count: number
  readonly boxes: Float64Array
  /** Square pixels, of the segmentation where the file has one. */
  readonly areas: Float64Array
  /** 1: a crowd or (with `difficult: 'ignore'`) a difficult object. */
  readonly ignored: Uint8Array
  /** Rank of the image among the sorted image ids. */
  readonly image: Uint32Array
  /** Rank of the category among the sorted category ids. */
  readonly category: Uint32Array
}

/** Results of known categories as columns, in the file's order. */
export interface ResultTable {
  readonly count: number
  readonly boxes: Float64Array
  readonly scores: Float64Array
  readonly image: Uint32Array
  readonly category: Uint32Array
}

/** What is evaluated: ground truth and results over the same images and categories. */
export interface EvaluationTable {
  /** Sorted; each once. */
  readonly imageIds: readonly Id[]
  /** Sorted by id. */
  readonly categories: readonly CocoCategory[]
  readonly objects: ObjectTable
  readonly results: ResultTable
  /** Results of categories that the ground truth does not have: they are left out, as by pycocotools. */
  readonly unknownCategories: number
}

/**
 * Puts ground truth and results into columns.
 *
 * @throws VertebraError `DATA_INVALID` for an object of an unknown image or category, a result of an unknown image, and
 * boxes, areas or scores that are not finite numbers or have negative sides.
 */
export function tableOf(
  groundTruth: CocoInstances,
  results: readonly CocoResult[],
  { difficult = 'ignore' }: GroundTruthOptions = {},
): EvaluationTable {
  if (difficult !== 'ignore' && difficult !== 'count') throw unexpected('difficult', "'ignore' or 'count'", difficult)
  const imageIds = [...new Set(groundTruth.images.map(({ id }) => id))].sort(compareIds)
  const imageRank = new Map(imageIds.map((id, rank) => [id, rank]))
  const categories = [...groundTruth.categories].sort((a, b) => a.id - b.id)
  const categoryRank = new Map(categories.map(({ id }, rank) => [id, rank]))
  return {
    imageIds,
    categories,
    objects: objectTable(groundTruth, imageRank, categoryRank, difficult === 'ignore'),
    ...resultTable(results, imageRank, categoryRank),
  }
}

function objectTable(
  { annotations }: CocoInstances,
  imageRank: ReadonlyMap<Id, number>,
  categoryRank: ReadonlyMap<number, number>,
  ignoreDifficult: boolean,
): ObjectTable {
  const count = annotations.length
  const table = {
    count,
    boxes: new Float64Array(count * 4),
    areas: new Float64Array(count),
    ignored: new Uint8Array(count),
    image: new Uint32Array(count),
    category: new Uint32Array(count),
  }
  annotations.forEach(({ id, image_id, category_id, bbox, area, iscrowd, difficult }, i) => {
    const image = imageRank.get(image_id)
    const category = categoryRank.get(category_id)
    if (image === undefined) throw wrong(`image_id of annotation ${id}`, 'the id of a listed image', image_id)
    if (category === undefined) throw wrong(`category_id of annotation ${id}`, 'the id of a category', category_id)
    if (!isBox(bbox)) throw wrong(`bbox of annotation ${id}`, BOX, bbox)
    if (!(area >= 0)) throw wrong(`area of annotation ${id}`, 'a number of 0 or more', area)
    table.boxes.set(bbox, i * 4)
    table.areas[i] = area
    table.ignored[i] = iscrowd === 1 || (ignoreDifficult && difficult === 1) ? 1 : 0
    table.image[i] = image
    table.category[i] = category
  })
  return table
}

function resultTable(
  results: readonly CocoResult[],
  imageRank: ReadonlyMap<Id, number>,
  categoryRank: ReadonlyMap<number, number>,
): { results: ResultTable; unknownCategories: number } {
  const boxes = new Float64Array(results.length * 4)
  const scores = new Float64Array(results.length)
  const image = new Uint32Array(results.length)
  const category = new Uint32Array(results.length)
  let count = 0
  results.forEach(({ image_id, category_id, bbox, score }, i) => {
    const ofImage = imageRank.get(image_id)
    const ofCategory = categoryRank.get(category_id)
    if (ofImage === undefined) throw wrong(`image_id of result ${i}`, 'the id of an annotated image', image_id)
    if (!isBox(bbox)) throw wrong(`bbox of result ${i}`, BOX, bbox)
    if (!Number.isFinite(score)) throw wrong(`score of result ${i}`, 'a finite number', score)
    if (ofCategory === undefined) return
    boxes.set(bbox, count * 4)
    scores[count] = score
    image[count] = ofImage
    category[count++] = ofCategory
  })
  const table: ResultTable = {
    count,
    boxes: boxes.subarray(0, count * 4),
    scores: scores.subarray(0, count),
    image: image.subarray(0, count),
    category: category.subarray(0, count),
  }
  return { results: table, unknownCategories: results.length - count }
}

const BOX = 'four finite numbers x, y, width, height without negative sides'

function isBox(box: readonly number[]): boolean {
  return box.length === 4 && box.every(Number.isFinite) && (box[2] as number) >= 0 && (box[3] as number) >= 0
}

function wrong(name: string, what: string, value: unknown): Error {
  return unexpected(name, what, value, 'DATA_INVALID')
}

/** Numbers by value and before strings; strings by code unit. */
function compareIds(a: Id, b: Id): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
