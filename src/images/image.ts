import { checkSides } from '../checks.ts'
import { unexpected } from '../errors.ts'

/**
 * A decoded picture: 8-bit sRGB, upright, without alpha, rows from top to bottom, three bytes a pixel (red, green, blue).
 * Pixel (x, y) starts at `(y * width + x) * 3`.
 */
export interface RgbImage {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}

/**
 * Pixels that are decoded already, row by row from the top, 8 bits a channel: grey (1), RGB (3) or RGBA (4). An
 * `ImageData` and an `RgbImage` are raw images. Without `channels` their number follows from the length of `data`.
 */
export interface RawImage {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
  readonly channels?: 1 | 3 | 4 | undefined
}

/**
 * Raw pixels as RGB: grey is repeated, alpha is blended over white. RGB pixels are not copied.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the data is not 8-bit or its length is not width * height * channels.
 */
export function rawToRgb(image: RawImage): RgbImage {
  const { width, height, data } = image
  checkSides(width, height, ' of the raw picture')
  if (!isBytes(data)) throw unexpected('data of the raw picture', 'a Uint8Array or Uint8ClampedArray', data)
  const pixels = width * height
  const channels = image.channels ?? data.length / pixels
  if ((channels !== 1 && channels !== 3 && channels !== 4) || data.length !== pixels * channels) {
    const lengths =
      image.channels === undefined ? [1, 3, 4].map((count) => pixels * count).join(', ') : pixels * channels
    throw unexpected(
      `data of the raw ${width}x${height} picture`,
      image.channels === undefined ? `${lengths} bytes (grey, RGB, RGBA)` : `${lengths} bytes (channels 1, 3 or 4)`,
      data,
    )
  }
  if (channels === 3) return { width, height, data }
  const rgb = new Uint8Array(pixels * 3)
  if (channels === 1) {
    for (let i = 0; i < pixels; i++) rgb.fill(data[i] as number, i * 3, i * 3 + 3)
    return { width, height, data: rgb }
  }
  for (let i = 0; i < pixels; i++) {
    const alpha = data[i * 4 + 3] as number
    for (let c = 0; c < 3; c++) {
      rgb[i * 3 + c] = Math.round(((data[i * 4 + c] as number) * alpha + 255 * (255 - alpha)) / 255)
    }
  }
  return { width, height, data: rgb }
}

/** @throws VertebraError `INVALID_ARGUMENT` unless the data is `width * height * 3` bytes. */
export function requireRgb({ width, height, data }: RgbImage): void {
  if (!isBytes(data) || data.length !== width * height * 3 || width < 1 || width % 1 || height < 1 || height % 1) {
    throw unexpected('image', `${width} * ${height} * 3 bytes of RGB`, data)
  }
}

function isBytes(data: unknown): data is RgbImage['data'] {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray
}
