import type { StreamResult } from '../detector/stream.ts'
import type { Overlay } from '../draw/overlay.web.ts'
import type { WebDetector } from '../load/web.ts'
import { throwIfAborted } from '../progress.ts'
import type { Media } from './media.web.ts'
import type { ViewSettings } from './settings.ts'

/** Detects on a picture once, on a video or camera until the signal fires or it ends, and shows what is found. */
export async function watch(
  detector: WebDetector,
  { element }: Media,
  settings: ViewSettings,
  overlay: Overlay,
  signal: AbortSignal,
  onResult: (result: StreamResult) => void,
): Promise<void> {
  const { minScore, classes, maxFps, heatMap } = settings
  const options = { minScore, classes, signal }
  async function show(result: StreamResult): Promise<void> {
    overlay.update(result)
    onResult(result)
    if (heatMap === undefined) return
    const maps = await detector.backbone.extract(element, { levels: [heatMap], signal })
    throwIfAborted(signal)
    overlay.showHeat(maps[heatMap])
  }
  if (heatMap === undefined) overlay.showHeat()
  if (element instanceof HTMLImageElement) {
    const result = await detector.detect(element, options)
    await show({ ...result, timestamp: 0, index: 0, dropped: 0 })
    return
  }
  if (element.paused) await element.play()
  for await (const result of detector.stream(element, { ...options, maxFps, track: true })) await show(result)
}
