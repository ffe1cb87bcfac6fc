import type { CocoAnnotation, CocoCategory, CocoImage } from './coco-read.ts'

/** Fields of a file that this library does not use, as they were, so that writing can give them back. */
export type OtherFields = Readonly<Record<string, unknown>>

/** An image of a dataset. Width and height are 0 where the files do not say them. */
export interface DatasetImage extends CocoImage {
  /** The parts of the dataset it belongs to: `train`, `val`, `test` … */
  readonly splits?: readonly string[] | undefined
  readonly other?: OtherFields | undefined
}

/** An object. Boxes are x, y, width, height in half-open pixels, from whatever format they come. */
export interface DatasetAnnotation extends CocoAnnotation {
  /** 1: the object goes on outside the picture or behind something (VOC). */
  readonly truncated: 0 | 1
  readonly other?: OtherFields | undefined
}

export interface DatasetCategory extends CocoCategory {
  readonly other?: OtherFields | undefined
}

/** What every dataset format is read into and written from. It is a `CocoInstances`, so every evaluator takes it. */
export interface Dataset {
  readonly images: readonly DatasetImage[]
  readonly annotations: readonly DatasetAnnotation[]
  /** Sorted by id. */
  readonly categories: readonly DatasetCategory[]
  readonly other?: OtherFields | undefined
}

/**
 * What can be wrong with a dataset, and what its reader then does (see `action`).
 *
 * | kind | rule |
 * |---|---|
 * | `unreadable` | an entry that is no object, a file that is no XML or a line that is no label: dropped |
 * | `bad-id` | an id that is neither an integer nor a string: dropped |
 * | `duplicate-id` | an image or category: the first counts, later ones are dropped. An annotation: dropped if it repeats the first, else it gets a new id |
 * | `bad-name` | an image without a name is named by its id (VOC: by its XML); a category without one is dropped; a name that is a number or a truth value is taken as text (YOLO) |
 * | `duplicate-name` | two categories or two images of one name: kept apart |
 * | `bad-size` | an image size that is not two positive numbers: taken as unknown |
 * | `unknown-image` | an annotation of an image that is not listed: dropped |
 * | `unknown-category` | an annotation of a category that is not listed: dropped |
 * | `bad-box` | a box that is not four finite numbers or has negative sides: dropped |
 * | `empty-box` | a box without area: dropped |
 * | `box-outside` | a box wholly outside its image: dropped |
 * | `box-beyond` | a box that reaches more than a pixel beyond its image: kept as it is |
 * | `bad-area` | an area that is no number of 0 or more: the box's area is taken |
 * | `bad-flag` | a mark that is neither 0 nor 1: taken as 0 |
 * | `no-annotations` | an image without objects: kept |
 * | `missing-annotations` | an image of a list without its annotation file: dropped |
 * | `image-missing` | an image file that is not there, or a split of data.yaml without any: kept, or dropped where its size is needed |
 * | `image-size` | an image file of another size than the annotations say: kept |
 * | `not-held` | something that a target format has no place for: dropped or changed as the message says |
 */
export type DatasetProblemKind =
  | 'unreadable'
  | 'bad-id'
  | 'duplicate-id'
  | 'bad-name'
  | 'duplicate-name'
  | 'bad-size'
  | 'unknown-image'
  | 'unknown-category'
  | 'bad-box'
  | 'empty-box'
  | 'box-outside'
  | 'box-beyond'
  | 'bad-area'
  | 'bad-flag'
  | 'no-annotations'
  | 'missing-annotations'
  | 'image-missing'
  | 'image-size'
  | 'not-held'

/** One thing found wrong while a dataset was read, checked or written. */
export interface DatasetProblem {
  readonly kind: DatasetProblemKind
  /** What was done about it. */
  readonly action: 'dropped' | 'repaired' | 'kept'
  readonly file: string
  /** The entry: `annotation 5`, `image "a"`, `line 3`. */
  readonly entry: string
  /** One sentence with all of this. */
  readonly message: string
}

export interface DatasetReading {
  readonly dataset: Dataset
  /** In the order they were found; none means that nothing was changed. */
  readonly problems: readonly DatasetProblem[]
}

/** The texts of a dataset folder. Paths are relative to it and separated by `/`. */
export interface TextFolder {
  /** The paths of all files below `folder`, in any order; none when it is not there. */
  list(folder: string): Promise<readonly string[]>
  /** The text of a file, or undefined when it is not there. */
  read(path: string): Promise<string | undefined>
}

/** The files of a dataset in another format. */
export interface DatasetFiles {
  /** Text by path. */
  readonly files: ReadonlyMap<string, string>
  /** Where each image file belongs: path by `file_name`. */
  readonly images: ReadonlyMap<string, string>
  /** What the format could not hold. */
  readonly problems: readonly DatasetProblem[]
}

export function problem(
  kind: DatasetProblemKind,
  action: DatasetProblem['action'],
  file: string,
  entry: string,
  what: string,
): DatasetProblem {
  return { kind, action, file, entry, message: `${file}, ${entry}: ${what}.` }
}
