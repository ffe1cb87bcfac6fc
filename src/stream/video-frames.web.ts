import { VertebraError } from '../errors.ts'
import type { Frame } from './frame.ts'

/** What a browser can stream from, beside frames of one's own. */
export type VideoSource = HTMLVideoElement | MediaStreamTrack | MediaStream

/**
 * The frames of a video or camera, each taken when it is asked for, so the newest. Waits while the video is paused, has no
 * picture yet, or its tab is hidden; ends with the video.
 *
 * @param signal ends the waiting.
 * @throws VertebraError `DEVICE_UNAVAILABLE` when the camera goes away (unplugged, or its permission taken back).
 */
export async function* videoFrames(
  source: VideoSource,
  signal?: AbortSignal,
): AsyncGenerator<Frame<VideoFrame | ImageBitmap>, void, undefined> {
  if (source instanceof HTMLVideoElement) {
    yield* elementFrames(source, signal)
    return
  }
  const track = source instanceof MediaStream ? source.getVideoTracks()[0] : source
  if (!track) throw new VertebraError('INVALID_ARGUMENT', 'Expected a MediaStream with a video track but it has none.')
  let isLost = false
  const onEnded = (): void => {
    isLost = true
    gone.abort()
  }
  const gone = new AbortController()
  track.addEventListener('ended', onEnded)
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.srcObject = new MediaStream([track])
  try {
    if (track.readyState === 'ended') return
    await video.play()
    yield* elementFrames(video, signal ? AbortSignal.any([signal, gone.signal]) : gone.signal)
    if (isLost && !signal?.aborted) {
      throw new VertebraError(
        'DEVICE_UNAVAILABLE',
        'The camera stopped: it was unplugged, or the page lost its permission.',
      )
    }
  } finally {
    track.removeEventListener('ended', onEnded)
    // The camera belongs to the caller: only this element lets go of it.
    video.srcObject = null
  }
}

async function* elementFrames(
  video: HTMLVideoElement,
  signal: AbortSignal | undefined,
): AsyncGenerator<Frame<VideoFrame | ImageBitmap>, void, undefined> {
  while (!video.ended && !signal?.aborted) {
    if (document.hidden) await once(document, ['visibilitychange'], signal)
    else if (await nextFrame(video, signal)) {
      const image = await capture(video)
      yield { image, timestamp: video.currentTime * 1000, release: () => image.close() }
    }
  }
}

/** Waits for the next picture; false when something else happened first. */
async function nextFrame(video: HTMLVideoElement, signal: AbortSignal | undefined): Promise<boolean> {
  const waits = new AbortController()
  const all = signal ? AbortSignal.any([signal, waits.signal]) : waits.signal
  let handle = 0
  // Older browsers lack it; TypeScript knows only new ones.
  const isCounted = Reflect.has(video, 'requestVideoFrameCallback')
  const frame = new Promise<boolean>((resolve) => {
    if (isCounted) handle = video.requestVideoFrameCallback(() => resolve(video.videoWidth > 0))
    else requestAnimationFrame(() => resolve(video.videoWidth > 0 && !video.paused))
  })
  const other = Promise.race([
    once(document, ['visibilitychange'], all),
    once(video, ['ended', 'emptied', 'error'], all),
  ]).then(() => false)
  const isFrame = await Promise.race([frame, other])
  waits.abort()
  if (!isFrame && isCounted) video.cancelVideoFrameCallback(handle)
  if (video.error) throw new VertebraError('IMAGE_UNREADABLE', `The video cannot be played: ${video.error.message}.`)
  return isFrame && !signal?.aborted
}

/** A handle of the frame where the browser has one, which copies nothing; a bitmap elsewhere. */
async function capture(video: HTMLVideoElement): Promise<VideoFrame | ImageBitmap> {
  try {
    return typeof VideoFrame === 'undefined' ? await createImageBitmap(video) : new VideoFrame(video)
  } catch (cause) {
    throw new VertebraError(
      'IMAGE_UNREADABLE',
      'The browser hides the frames of a video of another site: have it served with CORS headers and loaded with ' +
        'crossorigin="anonymous".',
      { cause },
    )
  }
}

function once(target: EventTarget, types: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const listening = new AbortController()
    const done = (): void => {
      listening.abort()
      resolve()
    }
    if (signal?.aborted) {
      resolve()
      return
    }
    for (const type of types) target.addEventListener(type, done, { signal: listening.signal })
    signal?.addEventListener('abort', done, { signal: listening.signal })
  })
}
