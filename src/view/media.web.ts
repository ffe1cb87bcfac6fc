import { VertebraError } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import { closeCamera, openCamera } from './camera.web.ts'

/** What the element looks at: a picture, or something that plays. */
export interface Media {
  readonly element: HTMLImageElement | HTMLVideoElement
  /** Whether it is shown mirrored, as a camera that faces the person is. */
  readonly isMirrored: boolean
  /** Of a camera; it ends when the camera goes away. */
  readonly track?: MediaStreamTrack | undefined
  /** Lets go of the file or camera. */
  close(): void
}

/**
 * @throws VertebraError `DEVICE_UNAVAILABLE` as `openCamera`, `ABORTED`.
 */
export async function openCameraMedia(camera: string, signal: AbortSignal): Promise<Media> {
  const stream = await openCamera({ camera, signal })
  const [track] = stream.getVideoTracks()
  const element = createVideo()
  element.srcObject = stream
  const close = (): void => {
    closeCamera(stream)
    element.srcObject = null
  }
  await playing(element, close, signal)
  // A camera that does not know its place is most likely a laptop's.
  return { element, isMirrored: track?.getSettings().facingMode !== 'environment', track, close }
}

/**
 * Opens a picture, or where the address is none, a video.
 * @throws VertebraError `IMAGE_NOT_FOUND`, `ABORTED`.
 */
export async function openFileMedia(src: string, signal: AbortSignal): Promise<Media> {
  return (await openPicture(src)) ?? openVideo(src, signal)
}

async function openPicture(src: string): Promise<Media | undefined> {
  const element = document.createElement('img')
  element.crossOrigin = 'anonymous'
  element.alt = ''
  element.src = src
  try {
    await element.decode()
  } catch {
    return undefined
  }
  return { element, isMirrored: false, close: () => element.removeAttribute('src') }
}

async function openVideo(src: string, signal: AbortSignal): Promise<Media> {
  const element = createVideo()
  element.crossOrigin = 'anonymous'
  element.loop = true
  element.src = src
  const close = (): void => {
    element.pause()
    element.removeAttribute('src')
    element.load()
  }
  await playing(element, close, signal)
  return { element, isMirrored: false, close }
}

function createVideo(): HTMLVideoElement {
  const element = document.createElement('video')
  element.muted = true
  element.playsInline = true
  return element
}

/** Waits for the first frame; what fails, or is no longer wanted, is closed at once: the light of a camera goes out. */
async function playing(element: HTMLVideoElement, close: () => void, signal: AbortSignal): Promise<void> {
  signal.addEventListener('abort', close)
  try {
    await element.play()
    throwIfAborted(signal)
  } catch (cause) {
    close()
    throwIfAborted(signal)
    const message = `Expected a picture or video that this browser can show but could not open ${element.currentSrc || 'it'}.`
    throw new VertebraError('IMAGE_NOT_FOUND', message, { cause })
  } finally {
    signal.removeEventListener('abort', close)
  }
}
