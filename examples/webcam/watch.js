// The loops: one fast model on a video that goes on, or any models on frames that stand still.

/** Everything above the model's lowest score comes back; what of it is shown, the page decides at once. */
const ALL = { minScore: 0.05 }

/** A video may go on below boxes that are at most this old; older ones would lie where nothing is any more. */
const LIVE_MS = 500

/** One model on a picture, or on a video that goes on below its boxes. */
export async function watchLive({ pane, detector, getLevel }, element, signal, onResult) {
  if (element instanceof HTMLImageElement) {
    onResult(pane, await detector.detect(element, { ...ALL, signal }))
    await showHeat(pane, detector, element, getLevel(), signal)
    return
  }
  pane.showStill()
  for await (const result of detector.stream(element, { ...ALL, signal, track: true })) {
    onResult(pane, result)
    await showHeat(pane, detector, element, getLevel(), signal)
  }
}

/**
 * A frame stands still until all models have seen it, one after the other so that their times can be compared.
 * @returns when the only model turns out to be fast enough for `watchLive`.
 */
export async function watchStill(watchers, element, signal, onResult) {
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const frame = await createImageBitmap(element)
    try {
      if (isFirst) for (const { pane } of watchers) pane.showStill(frame)
      const seen = []
      for (const { detector, getLevel } of watchers) seen.push(await look(detector, frame, getLevel(), signal))
      for (const [i, { pane }] of watchers.entries()) {
        pane.showStill(frame)
        onResult(pane, seen[i].result)
        pane.showHeat(seen[i].map)
      }
      if (element instanceof HTMLImageElement) return
      if (watchers.length === 1 && totalOf(seen[0].result) < LIVE_MS) return
    } finally {
      frame.close()
    }
    await new Promise(requestAnimationFrame)
  }
}

async function look(detector, frame, level, signal) {
  const result = await detector.detect(frame, { ...ALL, signal })
  const maps = level ? await detector.backbone.extract(frame, { levels: [level], signal }) : {}
  return { result, map: maps[level] }
}

async function showHeat(pane, detector, element, level, signal) {
  if (!level) return pane.showHeat()
  const maps = await detector.backbone.extract(element, { levels: [level], signal })
  pane.showHeat(maps[level])
}

function totalOf({ times }) {
  return Object.values(times).reduce((sum, time) => sum + time, 0)
}
