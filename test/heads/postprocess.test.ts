import { describe, expect, test } from 'vitest'
import { clipBoxes, type Size } from '../../src/boxes/boxes.ts'
import { LOG_1000_16 } from '../../src/boxes/coder.ts'
import { type HeadOutput, type PostprocessOptions, postprocess } from '../../src/heads/postprocess.ts'
import { floats, integers, largestDifference, randomBoxes, readFixture, spread } from '../boxes/noise.ts'

interface Case {
  readonly name: string
  readonly rows: number
  readonly k: number
  readonly size: readonly [number, number]
  readonly photo: readonly [number, number]
  readonly scale: number
  /** Row i repeats row i modulo this. */
  readonly distinct: number
  readonly wild: boolean
  readonly options: Omit<PostprocessOptions, 'boxCoder'>
  readonly expected: { boxes: string; scores: string; classes: string }
}
const { cases } = readFixture<{ cases: readonly [Case, ...Case[]] }>('heads/postprocess.json')
const boxCoder = { weights: [10, 10, 5, 5], clamp: LOG_1000_16 } as const
const toSize = ([width, height]: readonly [number, number]): Size => ({ width, height })

function output({ rows, k, size, scale, distinct, wild, options }: Case): HeadOutput {
  const proposals = clipBoxes(randomBoxes(30, rows, ...size, 20, 150), toSize(size))
  const every = spread(31, rows * (k + 1), scale)
  const logits = every.map((_, i) => every[i % (distinct * (k + 1))] as number)
  const deltas = spread(32, rows * 4 * (options.classAgnostic ? 1 : k + 1), 2)
  if (wild) {
    for (let i = 0; i < deltas.length; i += 7) deltas[i] = (deltas[i] as number) * 300
    for (let i = 5; i < deltas.length; i += 41) deltas[i] = Number.NaN
    for (let i = 6; i < deltas.length; i += 97) deltas[i] = Number.NEGATIVE_INFINITY
    const row = (r: number) => logits.subarray(r * (k + 1), (r + 1) * (k + 1))
    row(3)[1] = Number.NaN
    row(4)[2] = Number.POSITIVE_INFINITY
    row(5).fill(Number.NEGATIVE_INFINITY)
    row(6)[0] = Number.NEGATIVE_INFINITY
  }
  return { logits, deltas, proposals, objectness: spread(33, rows, 0.5).map(Math.abs) }
}

function run(one: Case, changes: Partial<PostprocessOptions> = {}, classes?: Iterable<number>) {
  const options = { boxCoder, ...one.options, ...changes }
  return postprocess(output(one), toSize(one.size), toSize(one.photo), options, classes)
}

describe('postprocess', () => {
  test.each(cases)('equals torchvision: $name', (one) => {
    const result = run(one)
    expect(result.scores.length).toBeGreaterThan(10)
    expect([...result.classes]).toEqual(integers(one.expected.classes))
    expect(largestDifference(result.scores, floats(one.expected.scores))).toBeLessThan(1e-6)
    expect(largestDifference(result.boxes, floats(one.expected.boxes))).toBeLessThan(1e-3)
  })

  test('a class filter gives what all classes give, without the others', () => {
    const maxDetections = 10_000
    const wanted = [7, 2, 2, 19]
    const all = run(cases[0], { maxDetections })
    const some = run(cases[0], { maxDetections }, wanted)
    const chosen = [...all.classes.keys()].filter((i) => wanted.includes(all.classes[i] as number))
    expect(chosen.length).toBeGreaterThan(10)
    expect([...some.scores]).toEqual(chosen.map((i) => all.scores[i]))
    expect([...some.classes]).toEqual(chosen.map((i) => all.classes[i]))
    expect([...some.boxes]).toEqual(chosen.flatMap((i) => [...all.boxes.subarray(i * 4, i * 4 + 4)]))
    expect(run(cases[0], {}, []).scores.length).toBe(0)
  })

  test('a class filter comes before class-agnostic NMS', () => {
    const head: HeadOutput = {
      proposals: Float32Array.of(0, 0, 10, 10, 0, 0, 10, 9),
      logits: Float32Array.of(0, 5, 0, 0, 0, 4),
      deltas: new Float32Array(24),
      objectness: Float32Array.of(1, 1),
    }
    const size = { width: 20, height: 20 }
    const nms = { kind: 'agnostic', iouThreshold: 0.5 } as const
    const options = { boxCoder, classAgnostic: false, scoreThreshold: 0.05, nms, minSize: 0.01, maxDetections: 100 }
    expect([...postprocess(head, size, size, options).classes]).toEqual([0])
    expect([...postprocess(head, size, size, options, [1]).classes]).toEqual([1])
  })

  test('a score is the probability times a power of the objectness', () => {
    const head: HeadOutput = {
      proposals: Float32Array.of(0, 0, 10, 10, 20, 0, 30, 10, 40, 0, 50, 10),
      logits: Float32Array.of(0, 3, 0, 2, 0, 1),
      deltas: new Float32Array(12),
      objectness: Float32Array.of(0.04, 0.64, 0.01),
    }
    const size = { width: 60, height: 20 }
    const nms = { kind: 'per-class', iouThreshold: 0.5 } as const
    const options = { boxCoder, classAgnostic: true, scoreThreshold: 0.1, nms, minSize: 0.01, maxDetections: 100 }
    const probability = (logit: number) => 1 / (1 + Math.exp(-logit))

    const weighted = postprocess(head, size, size, { ...options, objectnessPower: 0.5 })
    expect([...weighted.boxes].filter((_, i) => i % 4 === 0)).toEqual([20, 0]) // the third has 0.07
    expect(weighted.scores[0]).toBeCloseTo(0.8 * probability(2), 6)
    expect(weighted.scores[1]).toBeCloseTo(0.2 * probability(3), 6)
    expect(postprocess(head, size, size, options).scores[0]).toBeCloseTo(probability(3), 6)
  })

  test('soft NMS lowers scores within a class and keeps none under the cut', () => {
    const hard = run(cases[0])
    for (const kind of ['soft-linear', 'soft-gaussian'] as const) {
      const soft = run(cases[0], { nms: { kind, iouThreshold: 0.5 }, maxDetections: 10_000 })
      expect(soft.scores.length).toBeGreaterThan(hard.scores.length)
      expect(soft.scores.every((score, i) => score >= 0.05 && score <= (soft.scores[i - 1] ?? 1))).toBe(true)
      expect(soft.scores[0]).toBe(hard.scores[0])
    }
  })

  test('boxes end at the border of the photo', () => {
    const one = { ...cases[0], photo: [333, 1001] } as const
    const { boxes } = run(one)
    expect(Math.max(...boxes.filter((_, i) => i % 4 === 2))).toBe(333)
    expect(Math.max(...boxes.filter((_, i) => i % 4 === 3))).toBe(1001)
    expect(Math.min(...boxes)).toBeGreaterThanOrEqual(0)
  })

  test('no proposals give no detections', () => {
    const none = {
      logits: new Float32Array(0),
      deltas: new Float32Array(0),
      proposals: new Float32Array(0),
      objectness: new Float32Array(0),
    }
    const size = { width: 10, height: 10 }
    expect(postprocess(none, size, size, { boxCoder, ...cases[0].options }).boxes.length).toBe(0)
  })

  test('wrong shapes and classes are refused', () => {
    const head = output(cases[0])
    const size = toSize(cases[0].size)
    const call = (changed: Partial<HeadOutput>, classes?: number[]) => () =>
      postprocess({ ...head, ...changed }, size, size, { boxCoder, ...cases[0].options }, classes)
    expect(call({ logits: head.logits.subarray(1) })).toThrow('K + 1 numbers for each of the 300 proposals for logits')
    expect(call({ deltas: head.deltas.subarray(4) })).toThrow('Expected 300 x 84 numbers for deltas')
    expect(call({}, [20])).toThrow('Expected class indices from 0 to 19 for classes but received 20.')
    expect(call({}, [0.5])).toThrow('classes')
  })
})
