import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import { dataUrlBytes } from './data-url.ts'
import { type RawImage, type RgbImage, rawToRgb } from './image.ts'

/**
 * A picture in any form that a browser knows: a URL (string or URL; a page's own, `data:`, `blob:`, or of a site that allows
 * it by CORS), the bytes of a picture file as Blob or File, an element, a canvas, a bitmap, a video's frame, `ImageData`, raw
 * pixels.
 */
export type ImageInput =
  | string
  | URL
  | Blob
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame
  | RawImage

export interface DecodeOptions {
  /** Pictures of more pixels are refused. Default 100 million. */
  readonly maxPixels?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Decodes a picture to upright 8-bit sRGB: EXIF orientation and colour profile applied, alpha over white, the current
 * frame of a video.
 *
 * An opaque PNG gives the very pixels that Node gives; of JPEG files a browser may differ by 2 levels of 255.
 *
 * @throws VertebraError `IMAGE_NOT_FOUND`, `IMAGE_UNREADABLE` (damaged, empty, or of another site that does not allow its
 * pixels to be read), `IMAGE_TOO_LARGE`, `NETWORK`, `INVALID_ARGUMENT`, `ABORTED`.
 * @example
 * const photo = await decodeImage(document.images[0])
 * console.log(photo.width, photo.height)
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions = {}): Promise<RgbImage> {
  const { maxPixels = 100e6, signal } = options
  throwIfAborted(signal)
  if (isRaw(input)) {
    requirePixelsWithin(input, maxPixels)
    return rawToRgb(input)
  }
  if (input instanceof Blob) return decodeBlob(input, maxPixels, 'the Blob')
  if (typeof input === 'string' || input instanceof URL) return decodeUrl(input, maxPixels, signal)
  if (isElement(input, 'HTMLImageElement')) await decoded(input)
  if (isFrame(input)) return drawnFrame(input, maxPixels)
  if (!isDrawable(input)) throw unexpected('the picture', FORMS, input)
  return drawn(input, maxPixels)
}

/** What a picture can be, for messages. */
export const FORMS =
  'a URL, Blob, File, ImageData, ImageBitmap, image, canvas or video element, OffscreenCanvas, VideoFrame or raw pixels'

type Drawable = ImageBitmap | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | HTMLVideoElement

async function decodeUrl(url: string | URL, maxPixels: number, signal: AbortSignal | undefined): Promise<RgbImage> {
  const name = shortName(String(url))
  if (/^data:/i.test(String(url))) {
    return decodeBlob(new Blob([dataUrlBytes(String(url)) as Uint8Array<ArrayBuffer>]), maxPixels, name)
  }
  let blob: Blob
  try {
    const response = await fetch(url, signal ? { signal } : {})
    if (!response.ok) {
      const code = response.status === 404 ? 'IMAGE_NOT_FOUND' : 'NETWORK'
      throw new VertebraError(code, `Expected a picture at ${name} but the server answered ${response.status}.`)
    }
    blob = await response.blob()
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof VertebraError) throw cause
    const message = `The download of ${name} failed (${messageOf(cause)}): another site must allow it by CORS.`
    throw new VertebraError('NETWORK', message, { cause })
  }
  return decodeBlob(blob, maxPixels, name)
}

async function decodeBlob(blob: Blob, maxPixels: number, name: string): Promise<RgbImage> {
  if (blob.size === 0) {
    throw new VertebraError('IMAGE_UNREADABLE', `Expected a picture in ${name} but it is empty (0 bytes).`)
  }
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(blob)
  } catch (cause) {
    const message = `Expected a picture in ${name} that this browser can decode, but it cannot: ${messageOf(cause)}`
    throw new VertebraError('IMAGE_UNREADABLE', message, { cause })
  }
  try {
    return drawn(bitmap, maxPixels)
  } finally {
    bitmap.close()
  }
}

async function decoded(image: HTMLImageElement): Promise<void> {
  try {
    await image.decode()
  } catch (cause) {
    const message = `Expected an image element with a whole picture (${shortName(image.src)}): ${messageOf(cause)}`
    throw new VertebraError('IMAGE_UNREADABLE', message, { cause })
  }
}

/** By way of a bitmap: Chromium keeps a copy of every frame that is drawn, up to half a gigabyte of them. */
async function drawnFrame(frame: VideoFrame, maxPixels: number): Promise<RgbImage> {
  const bitmap = await createImageBitmap(frame).catch((cause: unknown) => {
    throw new VertebraError('IMAGE_UNREADABLE', `Expected a frame with a picture: ${messageOf(cause)}`, { cause })
  })
  try {
    return drawn(bitmap, maxPixels)
  } finally {
    bitmap.close()
  }
}

function drawn(source: Drawable, maxPixels: number): RgbImage {
  const { width, height } = sizeOf(source)
  requirePixels(width, height)
  requirePixelsWithin({ width, height }, maxPixels)
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) throw new VertebraError('OUT_OF_MEMORY', `The browser gave no canvas of ${width}x${height} pixels.`)
  context.fillStyle = 'white'
  context.fillRect(0, 0, width, height)
  context.drawImage(source, 0, 0, width, height)
  try {
    return opaqueToRgb(context.getImageData(0, 0, width, height))
  } catch (cause) {
    throw new VertebraError(
      'IMAGE_UNREADABLE',
      'The browser hides the pixels of a picture of another site (a tainted canvas): have it served with CORS headers and ' +
        'loaded with crossorigin="anonymous".',
      { cause },
    )
  }
}

/** @throws VertebraError `IMAGE_UNREADABLE` for a picture or video that has no pixels, or none yet. */
export function requirePixels(width: number, height: number): void {
  if (width > 0 && height > 0) return
  const message = `Expected a picture with pixels but it is ${width}x${height}: a video has none before its first frame.`
  throw new VertebraError('IMAGE_UNREADABLE', message)
}

function requirePixelsWithin({ width, height }: { width: number; height: number }, maxPixels: number): void {
  if (width * height <= maxPixels) return
  const message = `Expected at most ${maxPixels} pixels for the picture but received ${width}x${height}.`
  throw new VertebraError('IMAGE_TOO_LARGE', message, { value: { width, height } })
}

function opaqueToRgb({ width, height, data }: ImageData): RgbImage {
  const rgb = new Uint8Array(width * height * 3)
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    rgb[to] = data[from] as number
    rgb[to + 1] = data[from + 1] as number
    rgb[to + 2] = data[from + 2] as number
  }
  return { width, height, data: rgb }
}

function sizeOf(source: Drawable): { width: number; height: number } {
  if (isElement(source, 'HTMLVideoElement')) return { width: source.videoWidth, height: source.videoHeight }
  if (isElement(source, 'HTMLImageElement')) return { width: source.naturalWidth, height: source.naturalHeight }
  return source
}

/** A class of the page that a worker does not have. */
interface ElementClasses {
  HTMLImageElement: HTMLImageElement
  HTMLVideoElement: HTMLVideoElement
  HTMLCanvasElement: HTMLCanvasElement
}

/** Whether a value is an element of a kind. In a worker, which has no elements, nothing is. */
export function isElement<Name extends keyof ElementClasses>(
  value: unknown,
  name: Name,
): value is ElementClasses[Name] {
  const elementClass: unknown = Reflect.get(globalThis, name)
  return typeof elementClass === 'function' && value instanceof elementClass
}

function isDrawable(value: unknown): value is Drawable {
  const elements = ['HTMLImageElement', 'HTMLVideoElement', 'HTMLCanvasElement'] as const
  return (
    value instanceof ImageBitmap || value instanceof OffscreenCanvas || elements.some((name) => isElement(value, name))
  )
}

export function isFrame(value: unknown): value is VideoFrame {
  return typeof VideoFrame !== 'undefined' && value instanceof VideoFrame
}

/** ImageData, or pixels in the form of `RawImage`. */
export function isRaw(value: unknown): value is RawImage {
  return typeof value === 'object' && value !== null && 'data' in value && ArrayBuffer.isView(value.data)
}

function shortName(url: string): string {
  return /^data:/i.test(url) ? 'the data: URL' : (url.split(/[?#]/)[0] ?? url)
}
