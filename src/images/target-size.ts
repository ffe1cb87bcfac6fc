import { checkSides } from '../checks.ts'
import { VertebraError } from '../errors.ts'
import type { InputSpec, ResizeRule, SizeRounding } from './input-spec.ts'

/** Where a photo lies in the network's input: everything needed to bring a box back to the photo's own pixels. */
export interface Placement {
  /** Size of the photo in pixels. */
  readonly width: number
  readonly height: number
  /** Input pixels per photo pixel: `x of the input = x of the photo * scaleX`, less `cut.left` where it is cut. */
  readonly scaleX: number
  readonly scaleY: number
  /** Size of the resized photo, or of what is taken of it, which lies at the left and top of the input. */
  readonly inputWidth: number
  readonly inputHeight: number
  /** Size of the input with its padding on the right and bottom. */
  readonly paddedWidth: number
  readonly paddedHeight: number
  /** Where the input is a part of the resized photo: how large that is, and where in it the part begins. */
  readonly cut?: Cut | undefined
}

/** In pixels of the resized photo. */
export interface Cut {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * The size that a resize rule gives to a photo, or to the part of it that is taken, in whole pixels, never less than 1 x 1.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the photo's sides are not whole numbers from 1 up.
 * @example
 * targetSize({ rule: 'longer', size: 480, rounding: 'half-up' }, 500, 333) // { width: 480, height: 320 }
 */
export function targetSize(rule: ResizeRule, width: number, height: number): { width: number; height: number } {
  checkSides(width, height)
  if (rule.rule === 'none') return { width, height }
  if (rule.rule === 'exact' || rule.rule === 'crop') return { width: rule.width, height: rule.height }
  const [exactWidth, exactHeight] = exactSize(rule, width, height)
  const rounding = rule.rule === 'fit' ? 'floor' : rule.rounding
  return {
    width: Math.max(1, roundSide(exactWidth, rounding)),
    height: Math.max(1, roundSide(exactHeight, rounding)),
  }
}

/**
 * Where a photo of `width` x `height` pixels will lie in the input that `spec` describes.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the photo's sides are not whole numbers from 1 up; with the rule `crop`
 * `IMAGE_TOO_LARGE` for a strip whose long side would pass 65,536 pixels.
 */
export function planInput(spec: InputSpec, width: number, height: number): Placement {
  const target = targetSize(spec.resize, width, height)
  const { resize } = spec
  const cut = resize.rule === 'crop' ? middleCut(resize, width, height) : undefined
  const shared = isByRule(resize) ? exactSize(resize, width, height)[0] / width : undefined
  const padded = resize.rule === 'fit' ? resize : target
  return {
    width,
    height,
    scaleX: shared ?? (cut ?? target).width / width,
    scaleY: shared ?? (cut ?? target).height / height,
    inputWidth: target.width,
    inputHeight: target.height,
    paddedWidth: Math.ceil(padded.width / spec.padMultiple) * spec.padMultiple,
    paddedHeight: Math.ceil(padded.height / spec.padMultiple) * spec.padMultiple,
    ...(cut && { cut }),
  }
}

/** Whether both axes are scaled by the number that the rule gave before rounding. */
function isByRule(resize: InputSpec['resize']): resize is InputSpec['resize'] & ScalingRule {
  return resize.rule === 'fit' || ((resize.rule === 'longer' || resize.rule === 'shorter') && resize.scale === 'rule')
}

/** torchvision/transforms/functional.py: the other side is cut down to whole pixels, a half in the offset goes to the even. */
function middleCut(rule: Extract<ResizeRule, { rule: 'crop' }>, photoWidth: number, photoHeight: number): Cut {
  const other = Math.floor((rule.size * Math.max(photoWidth, photoHeight)) / Math.min(photoWidth, photoHeight))
  const [width, height] = photoWidth <= photoHeight ? [rule.size, other] : [other, rule.size]
  if (other > LONGEST_CUT) {
    const message = `Expected a picture of at most ${LONGEST_CUT} pixels along a side when its shorter one is ${rule.size}`
    throw new VertebraError('IMAGE_TOO_LARGE', `${message} but ${photoWidth} x ${photoHeight} becomes ${other}.`)
  }
  const left = roundSide((width - rule.width) / 2, 'nearest')
  const top = roundSide((height - rule.height) / 2, 'nearest')
  return { left, top, width, height }
}

/** Strips of one pixel would otherwise be enlarged to more than memory holds before their middle is taken. */
const LONGEST_CUT = 65_536

type ScalingRule = Exclude<ResizeRule, { rule: 'exact' | 'crop' | 'none' }>

/** The target before rounding. The order of operations is each source's own: it decides sizes that fall on a tie. */
function exactSize(rule: ScalingRule, width: number, height: number): [number, number] {
  if (rule.rule === 'fit') {
    const scale = Math.min(rule.width / width, rule.height / height)
    return [width * scale, height * scale]
  }
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
