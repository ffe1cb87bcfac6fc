import { VertebraError } from '../errors.ts'
import type { Dataset, ImageDetections } from '../formats/index.ts'

/**
 * Gives detections the category ids of a dataset. Classes are the same when their names are: ids differ from dataset to
 * dataset. Detections of classes that the dataset does not have are left out.
 *
 * @param labels the model's.
 * @param whole the dataset with all its classes.
 * @param wanted the part of it that is scored.
 * @throws VertebraError `DATA_INVALID` when model and dataset have no class in common.
 */
export function toDatasetClasses(
  images: readonly ImageDetections[],
  labels: readonly string[],
  whole: Dataset,
  { categories, annotations }: Dataset,
): { readonly images: readonly ImageDetections[]; readonly warnings: readonly string[] } {
  const ids = new Map<string, number>()
  for (const { id, name } of categories) if (!ids.has(name)) ids.set(name, id)
  checkClasses(labels, { categories })
  const warnings: string[] = []
  const foreign = labels.filter((label) => !whole.categories.some(({ name }) => name === label))
  if (foreign.length > 0) {
    warnings.push(`The model's ${named(foreign)} not in the dataset: what it found of them was left out.`)
  }
  const used = new Set(annotations.map(({ category_id }) => category_id))
  const unknown = categories.filter(({ id, name }) => used.has(id) && !labels.includes(name)).map(({ name }) => name)
  if (unknown.length > 0) {
    warnings.push(
      `The dataset's ${named(unknown)} unknown to the model: they count, with an AP of 0, unless --classes leaves them out.`,
    )
  }
  const mapped = images.map((image) => ({
    ...image,
    detections: image.detections.flatMap((detection) => {
      const categoryId = ids.get(detection.label)
      return categoryId === undefined ? [] : [{ ...detection, categoryId }]
    }),
  }))
  return { images: mapped, warnings }
}

/** @throws VertebraError `DATA_INVALID` when model and dataset have no class in common. */
export function checkClasses(labels: readonly string[], { categories }: Pick<Dataset, 'categories'>): void {
  if (categories.some(({ name }) => labels.includes(name))) return
  throw new VertebraError(
    'DATA_INVALID',
    `Expected classes of the dataset that the model knows but its ${categories.length} (${some(
      categories.map(({ name }) => name),
    )}) are none of the model's ${labels.length} (${some(labels)}).`,
  )
}

const named = (names: readonly string[]): string =>
  names.length === 1 ? `class ${names[0]} is` : `classes ${some(names)} are`

function some(names: readonly string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(', ')} … (${names.length})` : names.join(', ')
}
