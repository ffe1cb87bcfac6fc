import { describe } from '../../errors.ts'

/**
 * What a pickle holds, as data. Tuples, lists and sets are arrays; bytes, and Python 2's `str` of 256 bytes or more, are
 * views into the file; an integer is a bigint where a number cannot hold it.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleDict
  | PickleObject

export interface PickleDict extends Map<PickleValue, PickleValue> {}

/** An object that an allowed call made: a tensor, a storage, an element type. */
export abstract class PickleObject {
  /** How a message names it. */
  abstract readonly title: string

  /** The state that a pickle gives after the object; refused unless a subclass takes it. */
  setState(_state: PickleValue): boolean {
    return false
  }
}

/** A class or function of the allow-list. `call` is missing where it may only be named, as PyTorch's storage classes are. */
export class PickleGlobal extends PickleObject {
  readonly title: string
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined

  constructor(title: string, call?: (args: readonly PickleValue[]) => PickleValue) {
    super()
    this.title = title
    this.call = call
  }
}

/** A value in a few words. It does not look inside, as a pickle's lists may contain themselves. */
export function describePickled(value: PickleValue | undefined): string {
  if (value instanceof PickleObject) return value.title
  if (value instanceof Map) return `a dict of ${value.size}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  return describe(value)
}

/** The whole numbers of a list, or undefined when it is anything else. */
export function wholeNumbers(value: PickleValue | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined
  const numbers = value.filter((item) => typeof item === 'number' && Number.isSafeInteger(item) && item >= 0)
  return numbers.length === value.length ? (numbers as number[]) : undefined
}
