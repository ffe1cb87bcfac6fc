import { unexpected } from '../errors.ts'
import type { InputSpec, ResizeRule, SizeRounding } from './input-spec.ts'

/** Where a photo lies in the network's input: everything needed to bring a box back to the photo's own pixels. */
export interface Placement {
  /** Size of the photo in pixels. */
  readonly width: number
  readonly height: number
  /** Input pixels per photo pixel: `x of the input = x of the photo * scaleX`. */
  readonly scaleX: number
  readonly scaleY: number
  /** Size of the resized photo, which lies at the left and top of the input. */
  readonly inputWidth: number
  readonly inputHeight: number
  /** Size of the input with its padding on the right and bottom. */
  readonly paddedWidth: number
  readonly paddedHeight: number
}

/**
 * The size that a resize rule gives to a photo, in whole pixels, never less than 1 x 1.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the photo's sides are not whole numbers from 1 up.
 * @example
 * targetSize({ rule: 'longer', size: 480, rounding: 'half-up' }, 500, 333) // { width: 480, height: 320 }
 */
export function targetSize(rule: ResizeRule, width: number, height: number): { width: number; height: number } {
  requireSide('width', width)
  requireSide('height', height)
  if (rule.rule === 'exact') return { width: rule.width, height: rule.height }
  const [exactWidth, exactHeight] = exactSize(rule, width, height)
  return {
    width: Math.max(1, roundSide(exactWidth, rule.rounding)),
    height: Math.max(1, roundSide(exactHeight, rule.rounding)),
  }
}

/**
 * Where a photo of `width` x `height` pixels will lie in the input that `spec` describes.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the photo's sides are not whole numbers from 1 up.
 */
export function planInput(spec: InputSpec, width: number, height: number): Placement {
  const target = targetSize(spec.resize, width, height)
  return {
    width,
    height,
    scaleX: target.width / width,
    scaleY: target.height / height,
    inputWidth: target.width,
    inputHeight: target.height,
    paddedWidth: Math.ceil(target.width / spec.padMultiple) * spec.padMultiple,
    paddedHeight: Math.ceil(target.height / spec.padMultiple) * spec.padMultiple,
  }
}

/** The target before rounding. The order of operations is each source's own: it decides sizes that fall on a tie. */
function exactSize(rule: Exclude<ResizeRule, { rule: 'exact' }>, width: number, height: number): [number, number] {
  const shorter = Math.min(width, height)
  const longer = Math.max(width, height)
  if (rule.rule === 'longer') {
    const scale = rule.size / longer
    return [width * scale, height * scale]
  }
  if (rule.rounding === 'floor') {
    const scale = Math.min(rule.size / shorter, rule.max / longer)
    return [width * scale, height * scale]
  }
  const scale = rule.size / shorter
  const shrink = longer * scale > rule.max ? rule.max / (longer * scale) : 1
  return [width * scale * shrink, height * scale * shrink]
}

function roundSide(side: number, rounding: SizeRounding): number {
  if (rounding === 'floor') return Math.floor(side)
  const up = Math.floor(side + 0.5)
  return rounding === 'nearest' && up - side === 0.5 && up % 2 === 1 ? up - 1 : up
}

function requireSide(name: string, side: number): void {
  if (!Number.isInteger(side) || side < 1) throw unexpected(name, 'a whole number of pixels from 1 up', side)
}
