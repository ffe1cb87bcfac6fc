import { unexpected, VertebraError } from '../errors.ts'
import { FORMS, type ImageInput, isElement, isFrame, isRaw, requirePixels } from '../images/decode.web.ts'
import type { Portable } from './remote-model.ts'

/** The forms of a picture that a browser's worker can take. */
export type WorkerImage = Exclude<
  ImageInput,
  URL | HTMLImageElement | HTMLCanvasElement | HTMLVideoElement | OffscreenCanvas
>

/**
 * Elements become frames or bitmaps, which move; a bitmap, frame, Blob or pixels of the caller's own are cloned, which
 * for all but pixels copies a handle only. Addresses are the page's, so they become whole ones.
 */
export async function toWorkerImage(input: ImageInput): Promise<Portable<WorkerImage>> {
  if (typeof input === 'string' || input instanceof URL) {
    const isWhole = URL.canParse(input, document.baseURI)
    // What is no address at all is refused where it is fetched.
    return { image: isWhole ? new URL(input, document.baseURI).href : String(input), transfer: [] }
  }
  if (input instanceof Blob || input instanceof ImageBitmap || isRaw(input)) return { image: input, transfer: [] }
  if (isFrame(input)) {
    try {
      const frame = input.clone()
      return { image: frame, transfer: [frame] }
    } catch (cause) {
      return cannotRead(cause) // closed already
    }
  }
  if (isElement(input, 'HTMLVideoElement')) return fromVideo(input)
  const isPicture = isElement(input, 'HTMLImageElement') || isElement(input, 'HTMLCanvasElement')
  if (isPicture || input instanceof OffscreenCanvas) {
    if (isElement(input, 'HTMLImageElement')) await input.decode().catch(cannotRead)
    const bitmap = await createImageBitmap(input).catch(cannotRead)
    return { image: bitmap, transfer: [bitmap] }
  }
  throw unexpected('the picture', FORMS, input)
}

async function fromVideo(video: HTMLVideoElement): Promise<Portable<WorkerImage>> {
  requirePixels(video.videoWidth, video.videoHeight)
  const bitmap = await createImageBitmap(video).catch(cannotRead)
  return { image: bitmap, transfer: [bitmap] }
}

function cannotRead(cause: unknown): never {
  throw new VertebraError('IMAGE_UNREADABLE', `Expected a picture that this page may read: ${cause}`, { cause })
}
