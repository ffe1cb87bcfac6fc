import { unexpected } from '../errors.ts'

/** @throws VertebraError `INVALID_ARGUMENT` unless `value` is above 0 and at most 1. */
export function checkIou(name: string, value: number): number {
  if (!(value > 0 && value <= 1)) throw unexpected(name, 'a number above 0 and at most 1', value)
  return value
}

/** @throws VertebraError `INVALID_ARGUMENT` unless `value` is a finite number. */
export function checkScore(name: string, value: number): number {
  if (!Number.isFinite(value)) throw unexpected(name, 'a finite number', value)
  return value
}
