import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { iou } from '../../src/boxes/iou.ts'
import { nms } from '../../src/boxes/nms.ts'
import { softNms } from '../../src/boxes/soft-nms.ts'
import { floats, integers, largestDifference, noise, randomBoxes, readFixture } from './noise.ts'

interface Reference {
  readonly nms: Record<string, string>
  readonly batchedNms: Record<string, string>
  readonly softNms: readonly {
    kind: 'linear' | 'gaussian'
    iouThreshold: number
    sigma: number
    minScore: number
    indices: string
    scores: string
  }[]
}
const reference = readFixture<Reference>('boxes/boxes.json')
const boxes = randomBoxes(1, 400, 300, 200, 5, 120)
const scores = Float32Array.from(noise(2, 400).map((u) => Math.floor(u * 40) / 40))
const groups = Uint8Array.from(noise(3, 400).map((u) => Math.floor(u * 5)))

/** Few boxes on a coarse grid, so that overlaps, duplicates and equal scores are common. */
const crowd = fc
  .array(fc.tuple(fc.nat(8), fc.nat(8), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.nat(5)), {
    maxLength: 25,
  })
  .map((list) => ({
    boxes: Float32Array.from(list.flatMap(([x, y, w, h]) => [x, y, x + w, y + h])),
    scores: Float32Array.from(list.map((item) => item[4] / 5)),
  }))

describe('nms', () => {
  test.each(Object.entries(reference.nms))('equals torchvision.ops.nms at %s', (threshold, expected) => {
    expect([...nms(boxes, scores, Number(threshold))]).toEqual(integers(expected))
  })

  test.each(Object.entries(reference.batchedNms))('equals torchvision.ops.batched_nms at %s', (threshold, expected) => {
    expect([...nms(boxes, scores, Number(threshold), { groups })]).toEqual(integers(expected))
  })

  test('stopping early keeps a prefix', () => {
    const all = [...nms(boxes, scores, 0.5, { groups })]
    for (const maxCount of [0, 1, 17, 10_000]) {
      expect([...nms(boxes, scores, 0.5, { groups, maxCount })]).toEqual(all.slice(0, maxCount))
    }
  })

  test('the kept do not overlap, and every other box overlaps a better one', () => {
    fc.assert(
      fc.property(crowd, fc.constantFrom(0, 0.3, 0.5, 1), ({ boxes, scores }, threshold) => {
        const kept = [...nms(boxes, scores, threshold)]
        const better = (a: number, b: number) =>
          (scores[a] as number) > (scores[b] as number) || (scores[a] === scores[b] && a < b)
        for (const a of kept) for (const b of kept) expect(a !== b && iou(boxes, a, boxes, b) > threshold).toBe(false)
        for (let i = 0; i < scores.length; i++) {
          if (kept.includes(i)) continue
          expect(kept.some((k) => better(k, i) && iou(boxes, k, boxes, i) > threshold)).toBe(true)
        }
        for (let i = 1; i < kept.length; i++) expect(better(kept[i - 1] as number, kept[i] as number)).toBe(true)
      }),
    )
  })

  test('IoU exactly at the threshold stays; NaN scores go; a NaN box overlaps nothing', () => {
    const halves = Float32Array.of(0, 0, 2, 2, 0, 0, 2, 1, Number.NaN, 0, 2, 2)
    expect([...nms(halves, Float32Array.of(0.9, 0.8, 0.7), 0.5)]).toEqual([0, 1, 2])
    expect([...nms(halves, Float32Array.of(0.9, Number.NaN, 0.7), 0.5)]).toEqual([0, 2])
    expect([...nms(new Float32Array(0), new Float32Array(0), 0.5)]).toEqual([])
  })

  test('wrong arguments are refused', () => {
    expect(() => nms(boxes, new Float32Array(3), 0.5)).toThrow('Expected 400 numbers, one per box, for scores')
    expect(() => nms(boxes, scores, 0.5, { groups: [1] })).toThrow('for groups')
    expect(() => nms(boxes, scores, 1.5)).toThrow('Expected a number from 0 to 1 for iouThreshold but received 1.5.')
    expect(() => nms(boxes, scores, Number.NaN)).toThrow('iouThreshold')
    expect(() => nms(boxes, scores, 0.5, { maxCount: -1 })).toThrow('maxCount')
    const doubles: unknown = Float64Array.from(scores)
    expect(() => nms(boxes, doubles as Float32Array, 0.5)).toThrow('Expected a Float32Array for scores')
    const list: unknown = [...boxes]
    expect(() => nms(list as Float32Array, scores, 0.5)).toThrow('Expected a Float32Array for boxes')
  })
})

describe('softNms', () => {
  const distinct = Float32Array.from(noise(4, 400))

  test.each(reference.softNms)('equals the paper: $kind, sigma $sigma, minimum $minScore', (expected) => {
    const result = softNms(boxes, distinct, expected)
    expect([...result.indices]).toEqual(integers(expected.indices))
    expect(largestDifference(result.scores, floats(expected.scores))).toBeLessThan(1e-6)
  })

  test('groups: as one run per group, merged by score', () => {
    const together = softNms(boxes, distinct, { kind: 'gaussian', iouThreshold: 0.3, groups, minScore: 0.1 })
    const apart: [number, number][] = []
    for (let group = 0; group < 5; group++) {
      const members = [...groups.keys()].filter((i) => groups[i] === group)
      const own = Float32Array.from(members.flatMap((i) => [...boxes.subarray(i * 4, i * 4 + 4)]))
      const ownScores = Float32Array.from(members, (i) => distinct[i] as number)
      const result = softNms(own, ownScores, { kind: 'gaussian', iouThreshold: 0.3, minScore: 0.1 })
      result.indices.forEach((index, rank) => {
        apart.push([members[index] as number, result.scores[rank] as number])
      })
    }
    apart.sort((a, b) => b[1] - a[1])
    expect([...together.indices]).toEqual(apart.map(([index]) => index))
    const few = softNms(boxes, distinct, { kind: 'gaussian', iouThreshold: 0.3, groups, minScore: 0.1, maxCount: 7 })
    expect([...few.indices]).toEqual([...together.indices].slice(0, 7))
  })

  test('scores only fall, and come out in descending order', () => {
    fc.assert(
      fc.property(crowd, fc.constantFrom('linear' as const, 'gaussian' as const), ({ boxes, scores }, kind) => {
        const result = softNms(boxes, scores, { kind, iouThreshold: 0.3 })
        expect(new Set(result.indices).size).toBe(result.indices.length)
        result.scores.forEach((score, rank) => {
          expect(score).toBeLessThanOrEqual(scores[result.indices[rank] as number] as number)
          if (rank > 0) expect(score).toBeLessThanOrEqual(result.scores[rank - 1] as number)
        })
      }),
    )
  })

  test('of equal scores the lower index comes first; NaN scores go', () => {
    const apart = Float32Array.of(0, 0, 1, 1, 5, 5, 6, 6, 9, 9, 10, 10, 20, 20, 21, 21)
    const result = softNms(apart, Float32Array.of(0.5, 0.7, Number.NaN, 0.5), { kind: 'linear', iouThreshold: 0.3 })
    expect([...result.indices]).toEqual([1, 0, 3])
    expect(() => softNms(apart, new Float32Array(4), { kind: 'gaussian', iouThreshold: 0.3, sigma: 0 })).toThrow(
      'sigma',
    )
    const kind = 'gausian' as 'gaussian'
    expect(() => softNms(apart, new Float32Array(4), { kind, iouThreshold: 0.3 })).toThrow('"linear" or "gaussian"')
  })
})
