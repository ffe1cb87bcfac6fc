import { describe, VertebraError } from '../errors.ts'

/** Bytes per element of the element types that are read. */
export const ELEMENT_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const

export type ElementType = keyof typeof ELEMENT_BYTES

/** One stored tensor. `bytes` are its little-endian, row-major elements, as a view into the file where that is possible. */
export interface StoredTensor {
  readonly dtype: ElementType
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

/** What every container of weights gives. */
export interface WeightFile {
  /** What kind of file it is, for messages: `PyTorch file`. */
  readonly container: string
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly metadata: Readonly<Record<string, string>>
  /** The class names, where the file carries them (MMDetection), in the order of the network's outputs. */
  readonly labels?: readonly string[] | undefined
}

/** The standard error of a weight file: `Expected <expectation>.` */
export function invalidWeights(expectation: string, cause?: unknown): VertebraError {
  return new VertebraError('WEIGHTS_INVALID', `Expected ${expectation}.`, cause === undefined ? {} : { cause })
}

export const MAX_RANK = 32

/** Of a layer or tensor, with the path to it: every tensor below a name repeats it. */
export const LONGEST_NAME = 4096

/** True for an array of whole numbers from 0. */
export function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}

/**
 * Throws unless `bytes` has exactly the elements of this type and shape.
 * @param label how a message names the tensor.
 */
export function checkByteCount(label: string, dtype: ElementType, shape: readonly number[], bytes: number): void {
  // Products beyond 2^53 lose digits but stay far above any real byte count, so the comparison still fails as it must.
  const size = shape.reduce((product, dim) => product * dim, ELEMENT_BYTES[dtype])
  if (size !== bytes) throw invalidWeights(`${size} bytes for ${label} (${dtype} [${shape}]) but received ${bytes}`)
}

/** How a message names a tensor. */
export function tensorLabel(name: string): string {
  return `tensor ${describe(name)}`
}
