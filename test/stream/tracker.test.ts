import { describe, expect, it } from 'vitest'
import type { XYWH } from '../../src/boxes/boxes.ts'
import type { Detection } from '../../src/heads/detection.ts'
import { createTracker } from '../../src/stream/tracker.ts'

const seen = (label: string, box: XYWH): Detection => ({ label, box, classIndex: 0, categoryId: 1, score: 0.9 })
const ids = (tracked: readonly { trackId: number }[]): number[] => tracked.map(({ trackId }) => trackId)

describe('the tracker', () => {
  it('gives an object that moves one id, and smooths its box', () => {
    const tracker = createTracker({ smoothing: 0.5 })
    expect(ids(tracker.update([seen('dog', [0, 0, 100, 100])]))).toEqual([1])
    const [dog] = tracker.update([seen('dog', [20, 0, 100, 100])])
    expect(dog).toMatchObject({ trackId: 1, hits: 2, box: [10, 0, 100, 100], label: 'dog', score: 0.9 })
  })

  it('keeps crossing objects apart by the larger overlap, and labels apart always', () => {
    const tracker = createTracker({ smoothing: 0 })
    tracker.update([seen('dog', [0, 0, 100, 100]), seen('dog', [60, 0, 100, 100])])
    expect(ids(tracker.update([seen('dog', [55, 0, 100, 100]), seen('dog', [5, 0, 100, 100])]))).toEqual([2, 1])
    expect(ids(tracker.update([seen('cat', [5, 0, 100, 100])]))).toEqual([3])
  })

  it('remembers an object for some frames, and never uses an id again', () => {
    const tracker = createTracker({ maxMissed: 2 })
    const box: XYWH = [0, 0, 50, 50]
    tracker.update([seen('cat', box)])
    tracker.update([])
    tracker.update([])
    expect(ids(tracker.update([seen('cat', box)]))).toEqual([1])
    for (let i = 0; i < 3; i++) tracker.update([])
    expect(ids(tracker.update([seen('cat', box)]))).toEqual([2])
  })

  it('does not join boxes that hardly overlap, or have no area', () => {
    const tracker = createTracker({ minIou: 0.5 })
    tracker.update([seen('cat', [0, 0, 100, 100]), seen('dog', [0, 0, 0, 0])])
    expect(ids(tracker.update([seen('cat', [50, 0, 100, 100]), seen('dog', [0, 0, 0, 0])]))).toEqual([3, 4])
  })

  it('refuses options outside their range', () => {
    for (const options of [{ minIou: 0 }, { smoothing: 1 }, { maxMissed: -1 }]) {
      expect(() => createTracker(options)).toThrow(/^Expected a .*number/)
    }
  })
})
