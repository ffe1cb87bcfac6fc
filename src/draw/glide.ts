import type { XYWH } from '../boxes/boxes.ts'
import type { DrawableDetection } from './layout.ts'

/** A detection that may have an identity over frames. */
export interface TrackableDetection extends DrawableDetection {
  readonly trackId?: number | undefined
}

/** Boxes on their way from where they were last shown to where they were last found. */
export interface Glide {
  /** New detections at a time in milliseconds. Those whose `trackId` is on show set out from there, others are there at once. */
  update(detections: readonly TrackableDetection[], now: number): void
  /** The boxes as they are to be shown at a time, and whether they are still on their way. */
  at(now: number): { readonly detections: readonly TrackableDetection[]; readonly isMoving: boolean }
}

/** A slower detector than this would let boxes trail behind: then they arrive before the next result. */
const LONGEST_MS = 250

/** Between two results boxes move evenly, and arrive when the next result is due. */
export function createGlide(): Glide {
  let targets: readonly TrackableDetection[] = []
  let starts = new Map<number, XYWH>()
  let began = Number.NEGATIVE_INFINITY
  let duration = 0

  const at: Glide['at'] = (now) => {
    const progress = duration > 0 ? Math.min(1, Math.max(0, (now - began) / duration)) : 1
    if (progress === 1) return { detections: targets, isMoving: false }
    const detections = targets.map((target) => {
      const start = target.trackId === undefined ? undefined : starts.get(target.trackId)
      return start ? { ...target, box: between(start, target.box, progress) } : target
    })
    return { detections, isMoving: true }
  }

  return {
    at,
    update(detections, now) {
      const shown = at(now).detections
      starts = new Map(shown.flatMap(({ trackId, box }) => (trackId === undefined ? [] : [[trackId, box]])))
      const isKnown = detections.some(({ trackId }) => trackId !== undefined && starts.has(trackId))
      duration = isKnown ? Math.min(LONGEST_MS, now - began) : 0
      targets = detections
      began = now
    },
  }
}

function between(from: XYWH, to: XYWH, progress: number): XYWH {
  const mix = (i: 0 | 1 | 2 | 3): number => from[i] + (to[i] - from[i]) * progress
  return [mix(0), mix(1), mix(2), mix(3)]
}
