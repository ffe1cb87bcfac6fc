import { describe, expect, it } from 'vitest'
import { VertebraError } from '../../src/errors.ts'
import type { OutputTensor } from '../../src/whole/candidates.ts'
import { readBoxes } from '../../src/whole/read-boxes.ts'
import { readGrid } from '../../src/whole/read-grid.ts'
import { readQueries } from '../../src/whole/read-queries.ts'
import { selectDetections } from '../../src/whole/select.ts'

const tensor = (dims: number[], values: number[]): OutputTensor => ({ dims, data: Float32Array.from(values) })
const all = { scoreThreshold: 0 }

describe('finished boxes', () => {
  const form = { form: 'boxes', boxes: 'b', labels: 'l', scores: 's', firstLabel: 1 } as const
  const outputs = {
    boxes: tensor([5, 4], [0, 0, 4, 4, 1, 1, Number.NaN, 5, 2, 2, 6, 7, 0, 0, Number.POSITIVE_INFINITY, 9, 1, 1, 2, 2]),
    labels: tensor([5], [1, 2, 2, 1, 1]),
    scores: tensor([5], [0.5, 0.9, Number.NaN, 0.8, Number.POSITIVE_INFINITY]),
  }

  it('leave out what is not finite', () => {
    expect(readBoxes(form, outputs, 2, all)).toEqual({
      boxes: Float32Array.of(0, 0, 4, 4),
      scores: Float32Array.of(0.5),
      classes: Uint16Array.of(0),
    })
  })

  it('whose corners are pixels end one further', () => {
    expect(readBoxes({ ...form, corners: 'pixels' }, outputs, 2, all).boxes).toEqual(Float32Array.of(0, 0, 5, 5))
  })

  it.each<[string, Partial<typeof outputs>, RegExp]>([
    [
      'labels without a name',
      { labels: tensor([5], [1, 3, 1, 1, 1]) },
      /Expected labels from 1 to 2.* but received 3\./,
    ],
    ['the background as a label', { labels: tensor([5], [1, 0, 1, 1, 1]) }, /received 0\./],
    ['labels between two', { labels: tensor([5], [1, 1.5, 1, 1, 1]) }, /received 1\.5\./],
    ['labels of no number', { labels: tensor([5], [1, Number.NaN, 1, 1, 1]) }, /received NaN\./],
    [
      'fewer boxes than scores',
      { boxes: tensor([1, 4], [0, 0, 1, 1]) },
      /Expected \[5, 4\] for the output "b" .*\[1, 4\]/,
    ],
    ['a batch', { scores: tensor([1, 4], [1, 1, 1, 1]) }, /Expected \[N\] for the output "s" .*\[1, 4\]/],
    ['a shape that is not that of the data', { scores: tensor([3], [1]) }, /output "s"/],
  ])('refuse %s', (_, changes, message) => {
    const read = () => readBoxes(form, { ...outputs, ...changes }, 2, all)
    expect(read).toThrow(VertebraError)
    expect(read).toThrow(message)
  })
})

describe('grids', () => {
  const form = { form: 'grid', values: 'v', strides: [8, 16], decoded: false } as const
  const input = { width: 16, height: 16 }
  const row = (...values: number[]): number[] => values

  it('are decoded from their cell, coarser ones after finer', () => {
    const values = tensor(
      [1, 5, 7],
      [
        ...row(0, 0, 0, 0, 0, 0, 0),
        ...row(0.5, 0.5, 0, Math.log(2), 0.5, 0.2, 0.8), // the second cell of the first row
        ...row(0, 0, 0, 0, Number.NaN, 1, 1),
        ...row(0, 0, 200, 0, 1, 1, 0), // exp(200) is no float32
        ...row(0.5, 0.5, 0, 0, 1, 1, 0.5), // the one cell of 16
      ],
    )
    const { boxes, scores, classes } = readGrid(form, values, input, 2, all)
    expect(boxes.slice(0, 4)).toEqual(Float32Array.of(8, -4, 16, 12))
    expect(boxes.slice(-4)).toEqual(Float32Array.of(0, 0, 16, 16))
    expect([...classes]).toEqual([1, 0, 0])
    expect(scores[0]).toBeCloseTo(0.4, 6)
    const { boxes: best } = selectDetections({ boxes, scores, classes }, { ...input, scaleX: 1, scaleY: 1 }, RULE)
    expect([...best].every((side) => side >= 0 && side <= 16)).toBe(true)
  })

  it('that are decoded already are taken as they are', () => {
    const values = tensor([1, 5, 6], [10, 8, 4, 2, 1, 1, ...Array(24).fill(0)])
    expect(readGrid({ ...form, decoded: true }, values, input, 1, all).boxes).toEqual(Float32Array.of(8, 7, 12, 9))
  })

  it.each<[string, OutputTensor, RegExp]>([
    ['columns', tensor([1, 5, 8], Array(40).fill(0)), /\[1, cells, 7\] for the output "v"/],
    ['rows', tensor([1, 4, 7], Array(28).fill(0)), /5 rows, .* but received 4/],
    ['dimensions', tensor([5, 7], Array(35).fill(0)), /\[1, cells, 7\]/],
    ['photos', tensor([2, 5, 7], Array(70).fill(0)), /\[1, cells, 7\]/],
  ])('refuse other %s', (_, values, message) => {
    expect(() => readGrid(form, values, input, 2, all)).toThrow(message)
  })
})

describe('queries', () => {
  const boxes = tensor([1, 2, 4], [0.5, 0.5, 1, 0.5, 0.25, 0.5, 0.5, 1])
  const photo = { width: 80, height: 40 }
  const form = { form: 'queries', logits: 'l', boxes: 'b', activation: 'softmax' } as const

  it('with a softmax have one class, and none when it is "no object"', () => {
    const logits = tensor([1, 2, 3], [0, Math.log(2), Math.log(5), Number.NaN, 0, 0])
    const { scores, classes, boxes: found } = readQueries(form, { logits, boxes }, photo, 2, all)
    expect([...classes]).toEqual([1])
    expect(scores[0]).toBeCloseTo(0.25, 6)
    expect(found).toEqual(Float32Array.of(0, 10, 80, 30))
  })

  it('with a sigmoid have every class', () => {
    const logits = tensor([1, 2, 2], [0, 0, -100, Number.NaN])
    const sigmoid = { ...form, activation: 'sigmoid' } as const
    const { scores, classes } = readQueries(sigmoid, { logits, boxes }, photo, 2, { scoreThreshold: 0.4 })
    expect([...classes]).toEqual([0, 1])
    expect([...scores]).toEqual([0.5, 0.5])
    const only = { scoreThreshold: 0, classes: new Set([1]) }
    expect([...readQueries(sigmoid, { logits, boxes }, photo, 2, only).classes]).toEqual([1])
  })

  it('refuse other shapes', () => {
    const logits = tensor([1, 2, 2], [0, 0, 0, 0])
    expect(() => readQueries(form, { logits, boxes }, photo, 2, all)).toThrow(/\[1, queries, 3\] for the output "l"/)
    const three = tensor([1, 3, 3], Array(9).fill(0))
    expect(() => readQueries(form, { logits: three, boxes }, photo, 2, all)).toThrow(/\[1, 3, 4\] for the output "b"/)
  })
})

const RULE = { scoreThreshold: 0, nms: { kind: 'none', iouThreshold: 0.5 }, maxDetections: 10 } as const

describe('the selection', () => {
  const photo = { width: 100, height: 50, scaleX: 2, scaleY: 1 }
  const candidates = {
    boxes: Float32Array.from([10, 10, 60, 30, 12, 10, 60, 30, 500, 0, 600, 40, -20, -5, 40, 20, 30, 30, 20, 40]),
    scores: Float32Array.of(0.4, 0.9, 0.99, 0.7, 0.95),
    classes: Uint16Array.of(0, 1, 0, 1, 0),
  }

  it('is in pixels of the photo, clipped, without what lies outside or has no area', () => {
    const { boxes, scores, classes } = selectDetections(candidates, photo, RULE)
    expect([...scores].map((score) => score.toFixed(1))).toEqual(['0.9', '0.7', '0.4'])
    expect([...classes]).toEqual([1, 1, 0])
    expect([...boxes.slice(0, 8)]).toEqual([6, 10, 30, 30, 0, 0, 20, 20])
  })

  it('suppresses when it is asked to, and stops at the most', () => {
    const select = (kind: 'per-class' | 'agnostic' | 'soft-linear', maxDetections = 10) =>
      selectDetections(candidates, photo, { ...RULE, nms: { kind, iouThreshold: 0.5 }, maxDetections }).scores
    expect(select('per-class')).toHaveLength(3)
    expect(select('agnostic')).toHaveLength(2)
    expect(select('soft-linear')).toHaveLength(3)
    expect(select('per-class', 1)).toHaveLength(1)
  })

  it('ends in bounded time, however many boxes a broken network gives', () => {
    const count = 200_000
    const boxes = Float32Array.from({ length: count * 4 }, (_, i) =>
      i % 4 < 2 ? (i >> 2) % 997 : ((i >> 2) % 997) + 1,
    )
    const found = { boxes, scores: new Float32Array(count).fill(0.5), classes: new Uint16Array(count) }
    const wide = { width: 1000, height: 1000, scaleX: 1, scaleY: 1 }
    const rule = { ...RULE, nms: { kind: 'per-class', iouThreshold: 0.9 }, maxDetections: count } as const
    expect(selectDetections(found, wide, rule).scores).toHaveLength(997)
  })
})
