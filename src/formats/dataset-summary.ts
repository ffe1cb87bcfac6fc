import type { Size } from '../boxes/boxes.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import { type Dataset, type DatasetProblem, type DatasetProblemKind, problem } from './dataset.ts'

export interface DatasetSummary {
  readonly images: number
  readonly annotations: number
  readonly imagesWithoutAnnotations: number
  readonly crowds: number
  readonly difficult: number
  readonly truncated: number
  /** Objects by area: below 32 x 32 pixels, below 96 x 96, the others. */
  readonly areas: { readonly small: number; readonly medium: number; readonly large: number }
  /** Smallest and largest width and height of the images whose size is known; undefined when none is. */
  readonly smallest: Size | undefined
  readonly largest: Size | undefined
  readonly categories: readonly {
    readonly id: number
    readonly name: string
    readonly annotations: number
    /** Images with at least one. */
    readonly images: number
  }[]
  /** Images per split; empty when the dataset has none. */
  readonly splits: ReadonlyMap<string, number>
}

/** What a dataset holds, counted. */
export function summarizeDataset({ images, annotations, categories }: Dataset): DatasetSummary {
  const perCategory = new Map(categories.map(({ id }) => [id, { annotations: 0, images: new Set<number | string>() }]))
  const withObjects = new Set<number | string>()
  const areas = { small: 0, medium: 0, large: 0 }
  let [crowds, difficult, truncated] = [0, 0, 0]
  for (const annotation of annotations) {
    const own = perCategory.get(annotation.category_id)
    if (own) own.annotations++
    own?.images.add(annotation.image_id)
    withObjects.add(annotation.image_id)
    crowds += annotation.iscrowd
    difficult += annotation.difficult
    truncated += annotation.truncated
    areas[annotation.area < 32 ** 2 ? 'small' : annotation.area < 96 ** 2 ? 'medium' : 'large']++
  }
  const splits = new Map<string, number>()
  let smallest: Size | undefined
  let largest: Size | undefined
  for (const { width, height, splits: own } of images) {
    for (const split of own ?? []) splits.set(split, (splits.get(split) ?? 0) + 1)
    if (width === 0) continue
    smallest = {
      width: Math.min(width, smallest?.width ?? width),
      height: Math.min(height, smallest?.height ?? height),
    }
    largest = { width: Math.max(width, largest?.width ?? 0), height: Math.max(height, largest?.height ?? 0) }
  }
  return {
    images: images.length,
    annotations: annotations.length,
    imagesWithoutAnnotations: images.filter(({ id }) => !withObjects.has(id)).length,
    crowds,
    difficult,
    truncated,
    areas,
    smallest,
    largest,
    categories: categories.map(({ id, name }) => {
      const own = perCategory.get(id)
      return { id, name, annotations: own?.annotations ?? 0, images: own?.images.size ?? 0 }
    }),
    splits,
  }
}

/** How many problems there are of each kind. */
export function countProblems(problems: readonly DatasetProblem[]): Map<DatasetProblemKind, number> {
  const counts = new Map<DatasetProblemKind, number>()
  for (const { kind } of problems) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/**
 * Compares a dataset with its image files: those that are missing, and those of another size than the dataset says.
 *
 * @param sizeOf the size of an image file, upright, by its `file_name`; undefined when it is not there.
 * @throws VertebraError `ABORTED`; what `sizeOf` throws.
 */
export async function checkImageFiles(
  { images }: Dataset,
  sizeOf: (fileName: string) => Size | undefined | Promise<Size | undefined>,
  { signal, onProgress }: WorkOptions = {},
): Promise<DatasetProblem[]> {
  const problems: DatasetProblem[] = []
  let done = 0
  for (const { id, file_name, width, height } of images) {
    throwIfAborted(signal)
    const size = await sizeOf(file_name)
    if (!size) problems.push(problem('image-missing', 'kept', file_name, `image ${id}`, 'the file is not there'))
    else if (width > 0 && (size.width !== width || size.height !== height)) {
      const what = `the file is ${size.width} x ${size.height}, the annotations say ${width} x ${height}`
      problems.push(problem('image-size', 'kept', file_name, `image ${id}`, what))
    }
    onProgress?.({ phase: 'check', done: ++done, total: images.length, item: file_name })
  }
  return problems
}
