import { unexpected } from '../errors.ts'
import type { CocoAnnotation, CocoInstances, CocoResult } from '../formats/index.ts'

type Id = number | string

/** The objects and results of one category in one image. */
export interface Cell {
  readonly objects: CocoAnnotation[]
  /** Highest score first; of equal scores in the results' order. */
  readonly results: CocoResult[]
}

/** Per category id the cells of its images, in the order of the images' ids; images with neither are left out. */
export interface Cells {
  readonly cells: ReadonlyMap<number, readonly Cell[]>
  /** Results of categories that the annotations do not have; they are left out. */
  readonly unknownCategories: number
}

/**
 * Sorts annotations and results by category and image.
 * @throws VertebraError `DATA_INVALID` for a result of an image that the annotations do not have.
 */
export function cellsOf({ images, annotations, categories }: CocoInstances, results: readonly CocoResult[]): Cells {
  const imageOrder = new Map(
    images
      .map(({ id }) => id)
      .sort(compareIds)
      .map((id, index) => [id, index]),
  )
  const table = new Map(categories.map(({ id }) => [id, new Map<Id, Cell>()]))
  const cellAt = (byImage: Map<Id, Cell>, image: Id): Cell => {
    const found = byImage.get(image)
    if (found) return found
    const cell: Cell = { objects: [], results: [] }
    byImage.set(image, cell)
    return cell
  }
  for (const annotation of annotations) {
    const byImage = table.get(annotation.category_id)
    if (byImage) cellAt(byImage, annotation.image_id).objects.push(annotation)
  }
  let unknownCategories = 0
  for (const result of results) {
    if (!imageOrder.has(result.image_id)) {
      throw unexpected('image_id of a result', 'the id of an annotated image', result.image_id, 'DATA_INVALID')
    }
    const byImage = table.get(result.category_id)
    if (byImage) cellAt(byImage, result.image_id).results.push(result)
    else unknownCategories++
  }
  const cells = new Map<number, Cell[]>()
  for (const id of [...table.keys()].sort((a, b) => a - b)) {
    const byImage = [...(table.get(id) ?? [])].sort(
      ([a], [b]) => (imageOrder.get(a) as number) - (imageOrder.get(b) as number),
    )
    for (const [, cell] of byImage) cell.results.sort((a, b) => b.score - a.score)
    cells.set(
      id,
      byImage.map(([, cell]) => cell),
    )
  }
  return { cells, unknownCategories }
}

/**
 * IoU of every result (row) with every object (column) in float64, as pycocotools computes it: with a crowd, the
 * intersection is divided by the result's own area.
 */
export function cocoIous(results: readonly CocoResult[], objects: readonly CocoAnnotation[]): Float64Array {
  const ious = new Float64Array(results.length * objects.length)
  let at = 0
  for (const { bbox: a } of results) {
    for (const { bbox: b, iscrowd } of objects) {
      const width = Math.min(a[2] + a[0], b[2] + b[0]) - Math.max(a[0], b[0])
      const height = Math.min(a[3] + a[1], b[3] + b[1]) - Math.max(a[1], b[1])
      if (width > 0 && height > 0) {
        const intersection = width * height
        ious[at] = intersection / (iscrowd ? a[2] * a[3] : a[2] * a[3] + b[2] * b[3] - intersection)
      }
      at++
    }
  }
  return ious
}

function compareIds(a: Id, b: Id): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0
}
