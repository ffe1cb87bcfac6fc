import type { WeightFile } from '../../weights/stored-tensor.ts'
import type { About, Recipe } from '../recipe.ts'

/** What a person may say about foreign weights, as their file does not. */
export interface DialectOptions {
  /** Whose detector it is, one of `DIALECT_NAMES`. Default: found from the names of the tensors. */
  readonly dialect?: string | undefined
  /** Class names without background, in the order of the network's outputs. Default: the file's, COCO's or VOC's. */
  readonly labels?: readonly string[] | undefined
  /** The backbone, such as `resnet50-v1`, instead of the one that the shapes tell. */
  readonly arch?: string | undefined
  readonly about?: About | undefined
  /** The detector's numbers as JSON, for a file of this project's training that carries none. */
  readonly config?: string | undefined
}

/** One project's names for the tensors of a detector, and the numbers that go with them. */
export interface Dialect {
  /** What `--dialect` takes. */
  readonly name: string
  /** How a message calls it. */
  readonly title: string
  /** Whether tensors of these names are of this dialect. The first dialect of the list that matches is taken. */
  matches(names: ReadonlySet<string>, file: WeightFile): boolean
  /** @throws VertebraError `WEIGHTS_INVALID`, `INVALID_ARGUMENT` */
  recipe(file: WeightFile, options: DialectOptions): Recipe
}
