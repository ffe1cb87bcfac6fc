import { unexpected } from '../errors.ts'
import type { CocoInstances, CocoResult } from '../formats/index.ts'
import { type Cell, cellsOf, cocoIous } from './match.ts'

export interface VocOptions {
  /** A result is right when its IoU with an object is at least this. Default 0.5. */
  readonly iouThreshold?: number | undefined
  /** `every-point`: the area under the curve (VOC 2010 on). `eleven-point`: the mean at recall 0, 0.1 … 1 (VOC 2007). */
  readonly method?: 'every-point' | 'eleven-point' | undefined
}

/** One class of a VOC evaluation. */
export interface VocCategoryFigures {
  readonly id: number
  readonly name: string
  /** Average precision, 0 to 1; -1 when the class has no objects that count. */
  readonly AP: number
  /** Objects that count (not difficult, no crowd). */
  readonly objects: number
  /** Recall and precision after each result that counts, highest score first. */
  readonly recall: Float64Array
  readonly precision: Float64Array
}

export interface VocEvaluation {
  /** Mean of the classes' AP, without those that have no objects; -1 when none has. */
  readonly mAP: number
  /** In the order of the category ids. */
  readonly categories: readonly VocCategoryFigures[]
  /** Results of categories that the annotations do not have; they were left out. */
  readonly unknownCategories: number
}

/**
 * PASCAL VOC's mean average precision, as the development kit computes it: each result, highest score first, is
 * compared with the object of its class and image that it overlaps most. Difficult objects and crowds neither count
 * nor harm; a second result on an object is wrong.
 *
 * Boxes are COCO's; with VOC's inclusive corners turned into them (`xmin - 1`, `ymin - 1`, `xmax`, `ymax`) the IoU is
 * the kit's to the last digit.
 *
 * @throws VertebraError `DATA_INVALID` for a result of an unknown image, `INVALID_ARGUMENT` for a wrong threshold.
 *
 * @example
 * const { mAP } = evaluateVoc(readCocoInstances(annotationText), readCocoResults(resultText))
 */
export function evaluateVoc(
  instances: CocoInstances,
  results: readonly CocoResult[],
  { iouThreshold = 0.5, method = 'every-point' }: VocOptions = {},
): VocEvaluation {
  if (!(iouThreshold > 0 && iouThreshold <= 1)) {
    throw unexpected('iouThreshold', 'a number above 0 and up to 1', iouThreshold)
  }
  const { cells, unknownCategories } = cellsOf(instances, results)
  const names = new Map(instances.categories.map(({ id, name }) => [id, name]))
  const categories = [...cells].map(([id, images]): VocCategoryFigures => {
    const curve = curveOf(images, iouThreshold)
    const AP = curve.objects === 0 ? -1 : method === 'every-point' ? everyPoint(curve) : elevenPoint(curve)
    return { id, name: names.get(id) ?? '', AP, ...curve }
  })
  const measured = categories.filter(({ objects }) => objects > 0)
  const mAP = measured.length === 0 ? -1 : measured.reduce((sum, { AP }) => sum + AP, 0) / measured.length
  return { mAP, categories, unknownCategories }
}

interface Curve {
  readonly objects: number
  readonly recall: Float64Array
  readonly precision: Float64Array
}

function curveOf(images: readonly Cell[], iouThreshold: number): Curve {
  const fates: { score: number; right: boolean }[] = []
  let objectCount = 0
  for (const { objects, results } of images) {
    const counts = objects.map(({ difficult, iscrowd }) => difficult === 0 && iscrowd === 0)
    objectCount += counts.filter(Boolean).length
    const ious = cocoIous(results, objects)
    const found = new Set<number>()
    results.forEach(({ score }, d) => {
      let best = -1
      let most = 0
      for (let g = 0; g < objects.length; g++) {
        const iou = ious[d * objects.length + g] as number
        if (iou > most) [best, most] = [g, iou]
      }
      const overlaps = best >= 0 && most >= iouThreshold
      if (overlaps && !counts[best]) return
      fates.push({ score, right: overlaps && !found.has(best) })
      if (overlaps) found.add(best)
    })
  }
  fates.sort((a, b) => b.score - a.score)
  const recall = new Float64Array(fates.length)
  const precision = new Float64Array(fates.length)
  let hits = 0
  fates.forEach(({ right }, i) => {
    if (right) hits++
    recall[i] = objectCount === 0 ? 0 : hits / objectCount
    precision[i] = hits / (i + 1)
  })
  return { objects: objectCount, recall, precision }
}

/** The area under the curve whose precision never rises with recall. */
function everyPoint({ recall, precision }: Curve): number {
  let area = 0
  let highest = 0
  for (let i = recall.length - 1; i >= 0; i--) {
    highest = Math.max(highest, precision[i] as number)
    area += ((recall[i] as number) - (i === 0 ? 0 : (recall[i - 1] as number))) * highest
  }
  return area
}

function elevenPoint({ recall, precision }: Curve): number {
  let sum = 0
  for (let i = 0; i <= 10; i++) {
    const from = recall.findIndex((value) => value >= i / 10)
    if (from >= 0) sum += precision.subarray(from).reduce((most, value) => Math.max(most, value), 0)
  }
  return sum / 11
}
