import { describe, VertebraError } from '../errors.ts'
import { COCO_CATEGORIES } from '../formats/coco-labels.ts'
import { VOC_LABELS } from '../formats/voc-labels.ts'
import type { Manifest } from '../models/manifest.ts'

type Labels = Manifest['labels']

/**
 * The labels of K classes: COCO's for 80 classes, COCO's ids for 90 (torchvision) and, from 0, for 91 (DETR; the ids that COCO does
 * not use are called `unused <id>`), VOC's for 20, and `class 1` and so on for any other number. Names that are given and are not
 * these are numbered from 1.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the given names are not K different ones.
 */
export function labelsFor(count: number, given?: readonly string[]): Labels {
  const usual = usualLabels(count)
  if (!given) return usual
  if (given.length !== count) {
    throw new VertebraError(
      'INVALID_ARGUMENT',
      `Expected ${count} labels, one for each class of the network without background, but received ${given.length}.`,
      { value: given },
    )
  }
  const seen = new Set<string>()
  const twice = given.find((name) => seen.size === seen.add(name).size)
  if (twice !== undefined) {
    const message = `Expected ${count} different labels but received ${describe(twice)} twice.`
    throw new VertebraError('INVALID_ARGUMENT', message, { value: given })
  }
  // MMDetection 1 writes COCO's names with underscores.
  const isUsual = given.every((name, i) => name.replaceAll('_', ' ') === usual[i]?.name)
  return isUsual ? usual : numbered(count, (id) => given[id - 1] ?? '')
}

function usualLabels(count: number): Labels {
  if (count === 80) return [...COCO_CATEGORIES].map(([categoryId, name]) => ({ name, categoryId }))
  if (count === 90) return numbered(90, (id) => COCO_CATEGORIES.get(id) ?? `unused ${id}`)
  // DETR: the ids themselves, of which 0 is none.
  if (count === 91) {
    return Array.from({ length: 91 }, (_, id) => ({ name: COCO_CATEGORIES.get(id) ?? `unused ${id}`, categoryId: id }))
  }
  if (count === 20) return numbered(20, (id) => VOC_LABELS[id - 1] ?? '')
  return numbered(count, (id) => `class ${id}`)
}

function numbered(count: number, name: (id: number) => string): Labels {
  return Array.from({ length: count }, (_, i) => ({ name: name(i + 1), categoryId: i + 1 }))
}
