import { fileURLToPath } from 'node:url'
import type { Sharp } from 'sharp'
import { describe, messageOf, unexpected, VertebraError } from '../errors.ts'
import { throwIfAborted, untilAborted } from '../progress.ts'
import { dataUrlBytes } from './data-url.ts'
import { type RawImage, type RgbImage, rawToRgb } from './image.ts'
import {
  downloadBytes,
  type ReadLimits,
  readFileBytes,
  readStreamBytes,
  requireBytesWithin,
} from './read-bytes.node.ts'
import { loadSharp } from './sharp.node.ts'

/** A pipeline of the package sharp, told by its shape so that these types do not need the package. */
export interface SharpPipeline {
  clone(): unknown
  metadata(): Promise<unknown>
  toBuffer(): Promise<unknown>
}

/**
 * A picture in any form that Node knows: a file path, a `file:`, `http:`, `https:` or `data:` URL (string or URL), the
 * bytes of a picture file, a Blob, a stream of such bytes (Readable, ReadableStream, any async iterable), a sharp
 * pipeline, or raw pixels.
 */
export type ImageInput =
  | string
  | URL
  | ArrayBuffer
  | Uint8Array
  | Blob
  | AsyncIterable<Uint8Array>
  | SharpPipeline
  | RawImage

export interface DecodeOptions {
  /** Pictures of more pixels are refused before they are decoded, what a sharp pipeline gives after. Default 100 million. */
  readonly maxPixels?: number | undefined
  /** Longest time for a download, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Decodes a picture to upright 8-bit sRGB: EXIF orientation applied, alpha over white, CMYK, 16 bit, grey and palette
 * converted, embedded colour profiles applied, the first frame of an animation.
 *
 * Reads JPEG, PNG, WebP, AVIF, GIF, TIFF and SVG through the package sharp; raw pixels need no package.
 *
 * @throws VertebraError `IMAGE_NOT_FOUND`, `IMAGE_UNREADABLE` (damaged, truncated, empty or not a picture),
 * `IMAGE_TOO_LARGE`, `NETWORK`, `INVALID_ARGUMENT`, `DEPENDENCY_MISSING`, `ABORTED`.
 * @example
 * const photo = await decodeImage('street.jpg')
 * console.log(photo.width, photo.height)
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions = {}): Promise<RgbImage> {
  const { maxPixels = 100e6, timeoutMs = 30_000, signal } = options
  if (!(maxPixels >= 1)) throw unexpected('maxPixels', 'a number of pixels from 1 up', maxPixels)
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31)) throw unexpected('timeoutMs', 'milliseconds from 1 to 2^31', timeoutMs)
  throwIfAborted(signal)
  const name = nameOf(input)
  if (isRaw(input)) {
    requirePixelsWithin(input.width, input.height, maxPixels, name)
    return rawToRgb(input)
  }
  // No picture format spends more than 8 bytes a pixel (16-bit RGBA) unless somebody wants to fill the memory.
  const limits: ReadLimits = { name, maxBytes: Math.max(64 * 2 ** 20, maxPixels * 8), signal }
  if (isSharp(input)) return decode(input.clone() as Sharp, maxPixels, limits)
  const bytes = await readBytes(input, timeoutMs, limits)
  if (bytes.length === 0) {
    throw new VertebraError('IMAGE_UNREADABLE', `Expected a picture in ${name} but it is empty (0 bytes).`)
  }
  const createSharp = await loadSharp()
  // Our own limit says the size; sharp's 'error' level stops at truncated data but lets harmless warnings pass.
  return decode(createSharp(bytes, { limitInputPixels: false, failOn: 'error' }), maxPixels, limits, bytes)
}

async function decode(
  pipeline: Sharp,
  maxPixels: number,
  { name, signal }: ReadLimits,
  bytes?: Uint8Array,
): Promise<RgbImage> {
  try {
    if (bytes) {
      const { width, height, pageHeight } = await untilAborted(pipeline.metadata(), signal)
      requirePixelsWithin(width, pageHeight ?? height, maxPixels, name)
    }
    const { data, info } = await untilAborted(
      pipeline
        .autoOrient()
        .flatten({ background: '#ffffff' })
        .toColourspace('srgb')
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true }),
      signal,
    )
    // How large a caller's own pipeline makes its picture is known only now.
    requirePixelsWithin(info.width, info.height, maxPixels, name)
    return rawToRgb({ width: info.width, height: info.height, data, channels: info.channels as 1 | 3 | 4 })
  } catch (error) {
    if (error instanceof VertebraError) throw error
    throw new VertebraError('IMAGE_UNREADABLE', unreadable(name, messageOf(error), bytes), { cause: error })
  }
}

async function readBytes(
  input: Exclude<ImageInput, RawImage | SharpPipeline>,
  timeoutMs: number,
  limits: ReadLimits,
): Promise<Uint8Array> {
  if (typeof input === 'string' || input instanceof URL) {
    const protocol = /^(data|file|https?):/i.exec(String(input))?.[1]?.toLowerCase()
    if (protocol === undefined) {
      if (input instanceof URL) throw unexpected('the URL', 'a file:, http:, https: or data: URL', input.href)
      return readFileBytes(input, limits)
    }
    if (protocol === 'data') return dataUrlBytes(String(input))
    const url = parseUrl(input)
    return protocol === 'file' ? readFileBytes(pathOf(url), limits) : downloadBytes(url, timeoutMs, limits)
  }
  if (input instanceof ArrayBuffer) return new Uint8Array(input)
  if (input instanceof Uint8Array) return input
  if (input instanceof Blob) {
    requireBytesWithin(input.size, limits)
    return new Uint8Array(await untilAborted(input.arrayBuffer(), limits.signal))
  }
  if (typeof input === 'object' && input !== null && Symbol.asyncIterator in input) {
    try {
      return await readStreamBytes(input, limits)
    } catch (cause) {
      if (cause instanceof VertebraError) throw cause
      const message = `Could not read ${limits.name}: ${messageOf(cause)}.`
      throw new VertebraError('IMAGE_UNREADABLE', message, { cause })
    }
  }
  const forms = 'a path, URL, Buffer, Uint8Array, ArrayBuffer, Blob, stream, sharp pipeline or raw pixels'
  throw unexpected('the picture', forms, input)
}

function parseUrl(input: string | URL): URL {
  try {
    return new URL(input)
  } catch {
    throw unexpected('the picture', 'a valid URL', String(input))
  }
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw unexpected('the picture', 'a file: URL of this machine', url.href)
  }
}

function requirePixelsWithin(width: number, height: number, maxPixels: number, name: string): void {
  if (width * height <= maxPixels) return
  throw new VertebraError(
    'IMAGE_TOO_LARGE',
    `Expected at most ${megapixels(maxPixels)} for ${name} but received ${width}x${height} (${megapixels(width * height)}); ` +
      'make it smaller, or decode it yourself with decodeImage and a larger maxPixels.',
    { value: { width, height } },
  )
}

const megapixels = (pixels: number): string =>
  pixels < 1e6 ? `${pixels} pixels` : `${+(pixels / 1e6).toFixed(1)} megapixels`

function unreadable(name: string, reason: string, bytes: Uint8Array | undefined): string {
  if (!reason.includes('unsupported image format')) {
    return `Expected a whole picture in ${name} but decoding it failed: ${reason.trim().replaceAll(/\s*\n\s*/g, '; ')}.`
  }
  const start = bytes?.subarray(0, 64) ?? new Uint8Array(0)
  const isText = start.length > 0 && start.every((byte) => byte === 9 || byte === 10 || byte === 13 || byte >= 32)
  const what = isText ? `text that starts with ${describe(new TextDecoder().decode(start))}` : 'bytes of no such format'
  return `Expected JPEG, PNG, WebP, AVIF, GIF, TIFF or SVG in ${name} but received ${what}.`
}

/** What a picture is called in messages: its path, or its URL without credentials and query, or its kind. */
function nameOf(input: ImageInput): string {
  const text = input instanceof URL ? input.href : input
  if (typeof text === 'string') {
    if (/^data:/i.test(text)) return 'the data: URL'
    const url = /^https?:/i.test(text) && URL.canParse(text) ? new URL(text) : undefined
    return url === undefined ? describe(text) : `${url.origin}${url.pathname}`
  }
  if (isRaw(input)) return 'the raw picture'
  if (isSharp(input)) return 'the sharp pipeline'
  return input instanceof Blob ? 'the Blob' : 'the picture'
}

function isRaw(input: ImageInput): input is RawImage {
  return typeof input === 'object' && input !== null && 'width' in input && 'height' in input && 'data' in input
}

function isSharp(input: ImageInput): input is SharpPipeline {
  return typeof input === 'object' && input !== null && 'clone' in input && 'metadata' in input && 'toBuffer' in input
}
