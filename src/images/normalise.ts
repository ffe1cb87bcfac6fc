import { unexpected } from '../errors.ts'
import { type RgbImage, requireRgb } from './image.ts'
import type { InputSpec } from './input-spec.ts'
import { type ChannelScale, rowNormaliser } from './normalise-kernel.ts'
import { resampleRows } from './resample.ts'
import { type Placement, planInput } from './target-size.ts'

/** The network's input for N photos. */
export interface InputTensor {
  /** `dims[0] * dims[1] * dims[2] * dims[3]` numbers, NCHW. */
  readonly data: Float32Array
  /** N, 3, height, width. */
  readonly dims: readonly [images: number, channels: 3, height: number, width: number]
  /** Where each photo lies, in the order of the photos. */
  readonly placements: readonly Placement[]
}

/**
 * Resizes, normalises and pads photos into one input tensor. Photos of different sizes share the largest padded size;
 * each lies at the left and top of its plane, with padding around.
 *
 * @throws VertebraError `INVALID_ARGUMENT` without a photo, or when one's data does not fit its size.
 * @example
 * const { data, dims } = inputTensor(manifest.input, [photo]) // dims: [1, 3, 384, 480]
 */
export function inputTensor(spec: InputSpec, images: readonly RgbImage[]): InputTensor {
  if (images.length === 0) throw unexpected('images', 'at least one picture', images)
  const placements = images.map((image) => planInput(spec, image.width, image.height))
  const width = Math.max(...placements.map((placement) => placement.paddedWidth))
  const height = Math.max(...placements.map((placement) => placement.paddedHeight))
  const data = new Float32Array(images.length * 3 * width * height)
  images.forEach((image, index) => {
    writeInput(spec, image, placements[index] as Placement, data, { width, height }, index)
  })
  return { data, dims: [images.length, 3, height, width], placements }
}

/**
 * Resizes one photo, normalises it as `(level - mean) / std` and writes it into image `imageIndex` of an NCHW tensor
 * whose planes are `plane.width` x `plane.height`, in one pass; the rest of the three planes is padding: 0, or what
 * `padLevel` becomes.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the photo, the placement and the tensor do not fit together.
 */
export function writeInput(
  spec: InputSpec,
  image: RgbImage,
  placement: Placement,
  target: Float32Array,
  plane: { readonly width: number; readonly height: number },
  imageIndex = 0,
): void {
  requireRgb(image)
  const { inputWidth, inputHeight, cut = { left: 0, top: 0, width: inputWidth, height: inputHeight } } = placement
  const area = plane.width * plane.height
  if (image.width !== placement.width || image.height !== placement.height) {
    throw unexpected('placement', `a placement of a ${image.width}x${image.height} photo`, placement)
  }
  if (plane.width < inputWidth || plane.height < inputHeight) {
    throw unexpected('plane', `a plane of at least ${inputWidth}x${inputHeight}`, `${plane.width}x${plane.height}`)
  }
  if (target.length < (imageIndex + 1) * 3 * area) {
    throw unexpected('target', `a tensor of at least ${(imageIndex + 1) * 3 * area} numbers`, target.length)
  }
  const channels = [0, 1, 2].map((source) => channelPlan(spec, source, imageIndex * 3 * area, area))
  const normalise = rowNormaliser(inputWidth, channels as [ChannelPlan, ChannelPlan, ChannelPlan])
  const { filter, output, scale } = spec.resize
  const step = scale === 'rule' ? 1 / placement.scaleX : undefined
  resampleRows(image, cut.width, cut.height, { filter, output, step }, (resizedY, resizedRow) => {
    const y = resizedY - cut.top
    if (y < 0 || y >= inputHeight) return
    const rows = normalise(resizedRow.subarray(cut.left * 3, (cut.left + inputWidth) * 3))
    const offset = y * plane.width
    for (const [c, { start, padding }] of channels.entries()) {
      target.set(rows[c] as Float32Array, start + offset)
      target.fill(padding, start + offset + inputWidth, start + offset + plane.width)
    }
  })
  for (const { start, padding } of channels) target.fill(padding, start + inputHeight * plane.width, start + area)
}

/** Where one channel of the photo goes, and how. */
interface ChannelPlan extends ChannelScale {
  readonly start: number
  readonly padding: number
}

function channelPlan(spec: InputSpec, source: number, base: number, area: number): ChannelPlan {
  const plane = spec.channels === 'rgb' ? source : 2 - source
  const mean = spec.mean[plane] as number
  const std = spec.std[plane] as number
  const padding = spec.padLevel === undefined ? 0 : (spec.padLevel - mean) / std
  return { start: base + plane * area, mean, std, padding }
}
