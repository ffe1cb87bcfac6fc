import { unexpected } from '../errors.ts'

/**
 * One feature map that a network gives, after its activation. Level n of a network is named `c<n>` (backbone) or `p<n>`
 * (pyramid) and has stride 2^n, except the c5 of a dilated network, which has 16.
 */
export interface FeatureInfo {
  readonly name: string
  readonly channels: number
  /** Pixels of the network's input per cell. */
  readonly stride: number
}

/** The feature of a level: `level('c', 3, 512)` is c3 with 512 channels and stride 8. */
export function level(kind: 'c' | 'p', number: number, channels: number): FeatureInfo {
  return { name: `${kind}${number}`, channels, stride: 2 ** number }
}

/** 3 for `c3`; throws `INVALID_ARGUMENT` for a name that is not a backbone level's. */
export function levelNumber(name: string): number {
  const digits = /^c(\d)$/.exec(name)?.[1]
  if (digits === undefined) throw unexpected('a feature level', 'c0 to c9', name)
  return Number(digits)
}
