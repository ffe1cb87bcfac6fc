import type { XYWH } from '../boxes/boxes.ts'
import { checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { Detection } from '../heads/detection.ts'

export interface TrackOptions {
  /** A detection belongs to a track of its label when they overlap by at least this IoU, 0 to 1. Default 0.3. */
  readonly minIou?: number | undefined
  /** How much of the last box stays in the next one, 0 (none) to below 1. Default 0.5. */
  readonly smoothing?: number | undefined
  /** Frames that a track may go unseen before its id is given up. Default 5. */
  readonly maxMissed?: number | undefined
}

/** A detection with an identity over frames. */
export interface TrackedDetection extends Detection {
  /** The same object in every frame has the same id; ids count from 1 and are never used twice. */
  readonly trackId: number
  /** Frames in which it was seen, this one included. */
  readonly hits: number
}

export interface Tracker {
  /** The next frame's detections, in their order, with ids and smoothed boxes. */
  update(detections: readonly Detection[]): TrackedDetection[]
}

interface Track {
  readonly id: number
  readonly label: string
  box: XYWH
  hits: number
  missed: number
}

/**
 * Follows objects over the frames of a video by the overlap of their boxes: pairs of one label are joined greedily, the
 * largest IoU first (the association of Bochinski et al. 2017, "High-Speed Tracking-by-Detection Without Using Image
 * Information"), and each box is smoothed exponentially.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for an option outside its range.
 * @example
 * const tracker = createTracker({ smoothing: 0.7 })
 * for (const frame of frames) draw(tracker.update((await detector.detect(frame)).detections))
 */
export function createTracker({ minIou = 0.3, smoothing = 0.5, maxMissed = 5 }: TrackOptions = {}): Tracker {
  if (!(minIou > 0 && minIou <= 1)) throw unexpected('minIou', 'a number above 0, up to 1', minIou)
  if (!(smoothing >= 0 && smoothing < 1)) throw unexpected('smoothing', 'a number from 0 to below 1', smoothing)
  checkCount('maxMissed', maxMissed, 0)
  let tracks: Track[] = []
  let lastId = 0
  return {
    update(detections) {
      const joined = join(tracks, detections, minIou)
      for (const track of tracks) track.missed += 1
      const tracked = detections.map((detection, index): TrackedDetection => {
        const known = joined.get(index)
        const track = known ?? { id: ++lastId, label: detection.label, box: detection.box, hits: 0, missed: 0 }
        if (known) track.box = blend(known.box, detection.box, smoothing)
        else tracks.push(track)
        track.hits += 1
        track.missed = 0
        return { ...detection, box: track.box, trackId: track.id, hits: track.hits }
      })
      tracks = tracks.filter((track) => track.missed <= maxMissed)
      return tracked
    },
  }
}

/** The track of each detection that has one, by the detection's index. */
function join(tracks: readonly Track[], detections: readonly Detection[], minIou: number): Map<number, Track> {
  const pairs = tracks.flatMap((track) =>
    detections.flatMap(({ label, box }, index) => {
      const overlap = label === track.label ? iouOf(track.box, box) : 0
      return overlap >= minIou ? [{ track, index, overlap }] : []
    }),
  )
  pairs.sort((a, b) => b.overlap - a.overlap)
  const joined = new Map<number, Track>()
  const taken = new Set<Track>()
  for (const { track, index } of pairs) {
    if (taken.has(track) || joined.has(index)) continue
    taken.add(track)
    joined.set(index, track)
  }
  return joined
}

function iouOf(a: XYWH, b: XYWH): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1])
  if (width <= 0 || height <= 0) return 0
  const both = width * height
  return both / (a[2] * a[3] + b[2] * b[3] - both)
}

function blend(last: XYWH, next: XYWH, smoothing: number): XYWH {
  const mix = (i: 0 | 1 | 2 | 3): number => last[i] * smoothing + next[i] * (1 - smoothing)
  return [mix(0), mix(1), mix(2), mix(3)]
}
