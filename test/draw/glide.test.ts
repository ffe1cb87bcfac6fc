import { describe, expect, test } from 'vitest'
import { createGlide, type TrackableDetection } from '../../src/draw/glide.ts'

function found(x: number, trackId?: number): TrackableDetection {
  return { box: [x, 0, 10, 10], label: 'cat', score: 0.9, classIndex: 0, trackId }
}

const lefts = (glide: ReturnType<typeof createGlide>, now: number): number[] =>
  glide.at(now).detections.map(({ box }) => box[0])

describe('boxes between two results', () => {
  test('those that are known glide from where they are, others are there at once', () => {
    const glide = createGlide()
    glide.update([found(0, 1)], 1000)
    expect(glide.at(1000)).toEqual({ detections: [found(0, 1)], isMoving: false })
    glide.update([found(100, 1), found(50, 2), found(70)], 1100)
    expect(lefts(glide, 1100)).toEqual([0, 50, 70])
    expect(lefts(glide, 1125)).toEqual([25, 50, 70])
    expect(lefts(glide, 1200)).toEqual([100, 50, 70])
    expect(glide.at(1199).isMoving).toBe(true)
    expect(glide.at(1200).isMoving).toBe(false)
  })

  test('a result that comes early sends them on from where they are shown', () => {
    const glide = createGlide()
    glide.update([found(0, 1)], 0)
    glide.update([found(100, 1)], 100)
    glide.update([found(0, 1)], 150)
    expect(lefts(glide, 150)).toEqual([50])
    expect(lefts(glide, 175)).toEqual([25])
    expect(lefts(glide, 200)).toEqual([0])
  })

  test('with a slow detector they arrive after a quarter of a second', () => {
    const glide = createGlide()
    glide.update([found(0, 1)], 0)
    glide.update([found(100, 1)], 5000)
    expect(lefts(glide, 5125)).toEqual([50])
    expect(glide.at(5250)).toEqual({ detections: [found(100, 1)], isMoving: false })
  })

  test('those that are gone are gone at once', () => {
    const glide = createGlide()
    glide.update([found(0, 1)], 0)
    glide.update([], 100)
    expect(glide.at(110).detections).toEqual([])
  })
})
