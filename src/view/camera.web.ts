import { messageOf, VertebraError } from '../errors.ts'

export interface CameraOptions {
  /** Which camera: `user` faces the person, `environment` away, anything else is a `deviceId`. Default: the browser's choice. */
  readonly camera?: string | undefined
  /** Wanted size in pixels; the browser takes what comes close. Default 1280 x 720. */
  readonly width?: number | undefined
  readonly height?: number | undefined
  /** A camera that opens after this fired is closed again at once. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks for a camera. Its light is on until every track of the stream is stopped.
 *
 * @throws VertebraError `DEVICE_UNAVAILABLE` with words for the person in front of it: no camera, not allowed, in use, or a
 * page that is not secure; `ABORTED`.
 * @example
 * const camera = await openCamera({ camera: 'environment' })
 * video.srcObject = camera
 * closeCamera(camera)
 */
export async function openCamera(options: CameraOptions = {}): Promise<MediaStream> {
  const { camera = '', width = 1280, height = 720, signal } = options
  if (!isSecureContext || navigator.mediaDevices === undefined) {
    throw new VertebraError(
      'DEVICE_UNAVAILABLE',
      'This page cannot ask for a camera, because it is not secure: open it by https: or on localhost.',
    )
  }
  let stream: MediaStream
  try {
    const video = { width: { ideal: width }, height: { ideal: height }, ...which(camera) }
    stream = await navigator.mediaDevices.getUserMedia({ video })
  } catch (cause) {
    throw new VertebraError('DEVICE_UNAVAILABLE', cameraWords(cause), { cause })
  }
  if (signal?.aborted) {
    closeCamera(stream)
    throw new VertebraError('ABORTED', 'The camera was opened after nobody wanted it any more.', {
      cause: signal.reason,
    })
  }
  return stream
}

/** Stops every track, which turns the camera's light off. */
export function closeCamera(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}

function which(camera: string): MediaTrackConstraints {
  if (camera === '') return {}
  return camera === 'user' || camera === 'environment' ? { facingMode: camera } : { deviceId: { exact: camera } }
}

/** The names are those of the Media Capture specification, section 10.2. */
function cameraWords(cause: unknown): string {
  const name = cause instanceof Error ? cause.name : ''
  if (name === 'NotFoundError') return 'No camera was found: connect one and try again.'
  if (name === 'OverconstrainedError') return 'That camera is gone: choose another one.'
  if (name === 'NotReadableError' || name === 'AbortError') {
    return 'The camera cannot be used: another program may be using it.'
  }
  if (name === 'NotAllowedError' || name === 'SecurityError') {
    return "The camera was not allowed: allow it in the browser's settings for this page, then try again."
  }
  return `The camera cannot be opened: ${messageOf(cause)}`
}
