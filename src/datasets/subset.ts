import { unexpected } from '../errors.ts'
import type { Dataset } from '../formats/index.ts'

/** A part of a dataset. */
export interface SubsetOptions {
  /** Only the first so many images. */
  readonly limit?: number | undefined
  /** Only these classes; images without objects of them stay. */
  readonly classes?: readonly string[] | undefined
}

/**
 * The first images of a dataset, or some of its classes, with their annotations.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for a class that the dataset does not have.
 */
export function subset(dataset: Dataset, { limit, classes }: SubsetOptions): Dataset {
  const images = dataset.images.slice(0, limit)
  for (const name of classes ?? []) {
    if (dataset.categories.some((category) => category.name === name)) continue
    const names = dataset.categories.map((category) => category.name)
    throw unexpected('classes', `classes of the dataset (${names.join(', ')})`, name)
  }
  const categories = dataset.categories.filter(({ name }) => classes?.includes(name) ?? true)
  const imageIds = new Set(images.map(({ id }) => id))
  const categoryIds = new Set(categories.map(({ id }) => id))
  const annotations = dataset.annotations.filter(
    ({ image_id, category_id }) => imageIds.has(image_id) && categoryIds.has(category_id),
  )
  return { ...dataset, images, categories, annotations }
}
