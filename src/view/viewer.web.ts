import type { StreamResult } from '../detector/stream.ts'
import { createOverlay, type Overlay } from '../draw/overlay.web.ts'
import { VertebraError } from '../errors.ts'
import { loadDetector, type WebDetector } from '../load/web.ts'
import type { Progress } from '../progress.ts'
import { createDownloadTotal } from './download-total.ts'
import { type Media, openCameraMedia, openFileMedia } from './media.web.ts'
import { createPanel } from './panel.web.ts'
import type { ViewSettings } from './settings.ts'
import { createSlot } from './slot.ts'
import { watch } from './watch.web.ts'
import { wordsFor } from './words.ts'

/** Who listens to a viewer. */
export interface ViewerEvents {
  onDetections(result: StreamResult): void
  onProgress(progress: Progress): void
  onError(error: unknown): void
}

/** What works behind the element: one detector, one picture, video or camera, and the boxes over it. */
export interface Viewer {
  readonly detector: WebDetector | undefined
  /** Takes new settings; what they do not change goes on. */
  apply(read: () => ViewSettings): void
  start(): void
  stop(): void
  /** Lets go of the camera until `resume`: nobody can see it. */
  pause(): void
  resume(): void
  /** Frees everything; `apply` begins anew. */
  close(): void
}

export function createViewer(root: ShadowRoot, { onDetections, onProgress, onError }: ViewerEvents): Viewer {
  const panel = createPanel(root)
  const detectors = createSlot<WebDetector>((detector) => {
    if (detector === current) current = undefined
    return detector.dispose()
  })
  const medias = createSlot<Media>((media) => media.close())
  let settings: ViewSettings | undefined
  let current: WebDetector | undefined
  let shown: { readonly media: Media; readonly overlay: Overlay } | undefined
  /** Whether it is to run, apart from being hidden. */
  let isWanted = false
  let hasFailed = false
  /** Nobody can see it, which only a camera minds. */
  let isPaused = false
  let run = new AbortController()

  /** Ends what runs, and begins anew where something is to run. */
  function restart(): void {
    run.abort()
    run = new AbortController()
    showAction()
    if (settings && isWanted && !(isPaused && settings.camera !== undefined)) void work(settings, run.signal)
  }

  function showAction(): void {
    const isPicture = shown?.media.element instanceof HTMLImageElement
    if (!settings || (isPicture && !hasFailed)) panel.setAction(undefined)
    else if (hasFailed) panel.setAction('Try again')
    else panel.setAction(`${isWanted ? 'Stop' : 'Start'} ${settings.camera === undefined ? 'video' : 'camera'}`)
  }

  async function work(wanted: ViewSettings, signal: AbortSignal): Promise<void> {
    try {
      panel.showLoading(wanted.camera === undefined ? 'Opening …' : 'Waiting for the camera …')
      const media = await medias.get(mediaKey(wanted), (opening) => openMedia(wanted, opening))
      if (signal.aborted) return
      const overlay = showMedia(media)
      showAction()
      media.track?.addEventListener('ended', () => fail(cameraIsGone()), { signal })
      panel.showLoading('Loading the model …')
      const detector = await detectors.get(detectorKey(wanted), (opening) => load(wanted, opening))
      if (signal.aborted) return
      current = detector
      panel.hideNotice()
      panel.setStatus(detector.device.reason)
      await watch(detector, media, wanted, overlay, signal, onResult())
    } catch (error) {
      if (!signal.aborted) fail(error)
    }
  }

  async function load({ model, device, runtimeUrl }: ViewSettings, signal: AbortSignal): Promise<WebDetector> {
    const total = createDownloadTotal()
    const report = (progress: Progress): void => {
      onProgress(progress)
      const bytes = total.add(progress)
      if (bytes && !signal.aborted) panel.showLoading('Loading the model …', bytes)
    }
    try {
      return await loadDetector(model, { device, runtimeUrl, signal, onProgress: report })
    } catch (cause) {
      if (navigator.onLine) throw cause
      const message =
        "You are offline, and this model is not in the browser's storage yet: connect once to download it."
      throw new VertebraError('NETWORK', message, { cause })
    }
  }

  function showMedia(media: Media): Overlay {
    if (shown?.media === media) return shown.overlay
    panel.showMedia(media)
    const overlay = createOverlay(media.element, panel.stage, { mirrored: media.isMirrored })
    overlay.canvas.setAttribute('part', 'overlay')
    shown = { media, overlay }
    return overlay
  }

  function hideMedia(): void {
    shown?.overlay.stop()
    shown = undefined
    panel.showMedia(undefined)
    medias.clear()
  }

  /** Frames a second over the last results, beside the device. */
  function onResult(): (result: StreamResult) => void {
    const times: number[] = []
    return (result) => {
      times.push(performance.now())
      if (times.length > 10) times.shift()
      const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
      const rate = seconds > 0 ? ` · ${((times.length - 1) / seconds).toFixed(1)} frames a second` : ''
      panel.setStatus(`${result.device.device}${rate}`)
      onDetections(result)
    }
  }

  function fail(error: unknown): void {
    run.abort()
    // Whatever it was, no camera stays on behind an error, nor opens there. Settings that are wrong do not say that there is one.
    if (!shown || shown.media.track) hideMedia()
    if (isDeath(error)) detectors.clear()
    isWanted = false
    hasFailed = true
    showAction()
    panel.setStatus('')
    panel.showError(wordsFor(error))
    onError(error)
  }

  function start(): void {
    isWanted = true
    hasFailed = false
    restart()
  }

  function stop(): void {
    isWanted = false
    hasFailed = false
    restart()
    const { element, track } = shown?.media ?? {}
    if (element instanceof HTMLVideoElement && !track) element.pause()
    else hideMedia()
    panel.hideNotice()
    panel.setStatus('')
  }

  panel.button.addEventListener('click', () => (isWanted ? stop() : start()))
  showAction()

  return {
    get detector() {
      return current
    },
    start,
    stop,
    apply(read) {
      const last = settings
      settings = undefined
      try {
        settings = read()
      } catch (error) {
        fail(error)
        return
      }
      const isOther = !last || mediaKey(last) !== mediaKey(settings)
      if (isOther) hideMedia()
      if (isOther || hasFailed) isWanted = startsAlone(settings)
      hasFailed = false
      panel.hideNotice()
      restart()
    },
    pause() {
      isPaused = true
      if (settings?.camera === undefined && !shown?.media.track) return
      restart()
      hideMedia()
    },
    resume() {
      isPaused = false
      if (settings?.camera !== undefined) restart()
    },
    close() {
      run.abort()
      settings = undefined
      hideMedia()
      detectors.clear()
    },
  }
}

/** A camera is opened when the person asks for it, and nothing moves before; a picture is shown at once. */
function startsAlone({ camera, autostart, src }: ViewSettings): boolean {
  if (autostart) return true
  return camera === undefined && src !== undefined && !/\.(mp4|webm|mov|m4v|ogv)$/i.test(src.split(/[?#]/)[0] ?? '')
}

function cameraIsGone(): VertebraError {
  const message = 'The camera stopped: it was unplugged, or this page is no longer allowed to use it.'
  return new VertebraError('DEVICE_UNAVAILABLE', message)
}

/** Whether the detector that failed so fails for ever. */
function isDeath(error: unknown): boolean {
  return error instanceof VertebraError && (error.code === 'INFERENCE_FAILED' || error.code === 'DISPOSED')
}

function mediaKey({ src, camera }: ViewSettings): string {
  return JSON.stringify([src, camera])
}

function detectorKey({ model, device, runtimeUrl }: ViewSettings): string {
  return JSON.stringify([model, device, runtimeUrl])
}

function openMedia({ src, camera }: ViewSettings, signal: AbortSignal): Promise<Media> {
  if (camera !== undefined) return openCameraMedia(camera, signal)
  if (src === undefined) throw new VertebraError('INVALID_ARGUMENT', 'Expected a picture, video or camera to look at.')
  return openFileMedia(src, signal)
}
