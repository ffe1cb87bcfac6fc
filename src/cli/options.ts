import { InvalidArgumentError, Option } from 'commander'
import { PRECISIONS } from '../detector/in-precision.ts'
import { DEVICES } from '../runtime/runtime.ts'

/** Options that several commands share, so that they read the same everywhere. */

export const DEFAULT_MODEL = 'resnet101-voc'

export const modelOption = (): Option =>
  new Option('-m, --model <model>', 'name of an installed model, a model folder, or a URL').default(DEFAULT_MODEL)

export const deviceOption = (): Option =>
  new Option('--device <device>', 'where to run').choices(['auto', ...DEVICES]).default('auto')

export const precisionOption = (): Option =>
  new Option('--precision <precision>', 'what the network computes in; auto: the fastest that the model is made for')
    .choices(['auto', ...PRECISIONS])
    .default('auto')

export const threadsOption = (): Option =>
  new Option('--threads <n>', 'threads on the CPU (default: one per core)').argParser(wholeNumber(1))

export const inputSizeOption = (): Option =>
  new Option('--input-size <pixels>', "size of photos in the network, 64 to 4096 (default: the model's)").argParser(
    wholeNumber(1),
  )

/** A parser for an option that is a number from `low` to `high`. */
export function numberBetween(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() !== '' && value >= low && value <= high) return value
    throw new InvalidArgumentError(`Expected a number from ${low} to ${high} but received "${text}".`)
  }
}

/** A parser for an option that is a whole number of at least `low`. */
export function wholeNumber(low: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= low) return value
    throw new InvalidArgumentError(`Expected a whole number of at least ${low} but received "${text}".`)
  }
}

/** A parser for an option that is a list of some of these words. */
export function listOf<Word extends string>(words: readonly Word[]): (text: string) => Word[] {
  return (text) => {
    const items = commaList(text)
    const stranger = items.find((item) => !words.some((word) => word === item))
    if (stranger === undefined) return items as Word[]
    throw new InvalidArgumentError(`Expected some of ${words.join(', ')} but received "${stranger}".`)
  }
}

/** A parser for an option that is a list such as `person,car`. */
export function commaList(text: string): string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  if (items.length === 0) throw new InvalidArgumentError('Expected names separated by commas.')
  return items
}
