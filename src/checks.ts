import { unexpected } from './errors.ts'

/** @throws VertebraError `INVALID_ARGUMENT` unless `value` is a whole number of at least `least`. */
export function checkCount(name: string, value: unknown, least = 1): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
  throw unexpected(name, `a whole number of at least ${least}`, value)
}

/** @throws VertebraError `INVALID_ARGUMENT` unless `value` is a number from 0 to 1. */
export function checkFraction(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw unexpected(name, 'a number from 0 to 1', value)
}

/** @throws VertebraError `INVALID_ARGUMENT` unless both sides of a picture are whole numbers from 1 up. */
export function checkSides(width: number, height: number, of = ''): void {
  for (const [name, side] of Object.entries({ width, height })) {
    if (!Number.isInteger(side) || side < 1) throw unexpected(name + of, 'a whole number of pixels from 1 up', side)
  }
}

/** @throws VertebraError `INVALID_ARGUMENT` unless `value` is one of `accepted`. */
export function checkChoice(name: string, value: string, accepted: readonly string[]): void {
  if (!accepted.includes(value)) throw unexpected(name, accepted.map((choice) => `'${choice}'`).join(' or '), value)
}
