import { extname } from 'node:path'
import type { Sharp } from 'sharp'
import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { type DecodeOptions, decodeImage, type ImageInput } from '../images/decode.node.ts'
import type { RgbImage } from '../images/image.ts'
import { requireRgb } from '../images/image.ts'
import { loadSharp } from '../images/sharp.node.ts'
import { throwIfAborted } from '../progress.ts'
import type { DrawableDetection, DrawOptions } from './layout.ts'
import { renderSvg } from './svg.ts'

/** The kinds of picture file that can be written. */
export type PictureFormat = 'png' | 'jpeg' | 'webp' | 'svg'

const FORMATS: Readonly<Record<string, PictureFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
  '.svg': 'svg',
}

/** What the ending of a file name asks for, `.png`, `.jpg`, `.jpeg`, `.webp` or `.svg`. */
export function pictureFormat(path: string): PictureFormat {
  const format = FORMATS[extname(path).toLowerCase()]
  if (format === undefined)
    throw unexpected('a picture to write', `a name ending in ${Object.keys(FORMATS).join(', ')}`, path)
  return format
}

export interface EncodeOptions {
  /** Default `png`. */
  readonly format?: PictureFormat | undefined
  /** Of JPEG and WebP, a whole number from 1 to 100. Default 90. */
  readonly quality?: number | undefined
}

/**
 * Draws detections on a picture and encodes it as PNG, JPEG, WebP or SVG (with the picture inside, as JPEG).
 *
 * @throws VertebraError what `decodeImage` throws for the picture; `INVALID_ARGUMENT` for boxes or options out of range;
 * `OUTPUT_FAILED` when the format cannot hold the picture (WebP ends at 16,383 pixels a side).
 * @example
 * const { detections } = await detector.detect('street.jpg')
 * await writeFile('street-drawn.png', await drawDetections('street.jpg', detections))
 */
export async function drawDetections(
  image: ImageInput,
  detections: readonly DrawableDetection[],
  options: EncodeOptions & DrawOptions & DecodeOptions = {},
): Promise<Buffer> {
  requireEncoding(options)
  const photo = await decodeImage(image, options)
  if (options.format === 'svg') {
    const jpeg = await encodeImage(photo, { format: 'jpeg', quality: options.quality })
    const picture = `data:image/jpeg;base64,${jpeg.toString('base64')}`
    return Buffer.from(renderSvg(photo, detections, { ...options, picture }))
  }
  const overlay = Buffer.from(renderSvg(photo, detections, options))
  const drawn = await encode(photo, options, overlay)
  throwIfAborted(options.signal)
  return drawn
}

/**
 * Encodes a picture as PNG, JPEG or WebP.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for another format or a quality out of range; `OUTPUT_FAILED` when the format
 * cannot hold the picture.
 */
export async function encodeImage(image: RgbImage, options: EncodeOptions = {}): Promise<Buffer> {
  requireRgb(image)
  requireEncoding(options)
  if (options.format === 'svg') throw unexpected('format', '"png", "jpeg" or "webp"', options.format)
  return encode(image, options)
}

async function encode(
  image: RgbImage,
  { format = 'png', quality = 90 }: EncodeOptions,
  overlay?: Buffer,
): Promise<Buffer> {
  const createSharp = await loadSharp()
  const { width, height, data } = image
  try {
    const pipeline: Sharp = createSharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    if (overlay !== undefined) pipeline.composite([{ input: overlay, limitInputPixels: false }])
    // Without subsampling of colour, or thin coloured lines wash out.
    if (format === 'jpeg') pipeline.jpeg({ quality, chromaSubsampling: '4:4:4' })
    else if (format === 'webp') pipeline.webp({ quality, smartSubsample: true })
    else pipeline.png()
    return await pipeline.toBuffer()
  } catch (cause) {
    const message = `Could not write the ${width}x${height} picture as ${format}: ${messageOf(cause).trim()}.`
    throw new VertebraError('OUTPUT_FAILED', message, { cause })
  }
}

function requireEncoding({ format = 'png', quality = 90 }: EncodeOptions): void {
  const formats = [...new Set(Object.values(FORMATS))]
  if (!formats.includes(format)) throw unexpected('format', `one of ${formats.join(', ')}`, format)
  if (!(Number.isInteger(quality) && quality >= 1 && quality <= 100))
    throw unexpected('quality', 'a whole number from 1 to 100', quality)
}
