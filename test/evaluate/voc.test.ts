import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { averagePrecision, evaluateVoc } from '../../src/evaluate/index.ts'
import { readCocoInstances, readCocoResults } from '../../src/formats/index.ts'
import { readFixture } from '../boxes/noise.ts'
import { generate } from './generated.ts'
import { DOG, found, HAS_SAMPLES, picture, type Reference, readSample, SAMPLES } from './samples.ts'

describe('evaluateVoc', () => {
  test('equals a plain second implementation on generated data sets', () => {
    const { cases } = readFixture<Reference>('evaluate/generated.json')
    for (const { seed, voc } of cases) {
      const { instances, results } = generate(seed)
      const plain = { ...instances, annotations: instances.annotations.map((a) => ({ ...a, iscrowd: 0 as const })) }
      const every = evaluateVoc(plain, results).mAP
      const eleven = evaluateVoc(plain, results, { method: 'eleven-point' }).mAP
      expect(Math.abs(every - voc[0]), `data set ${seed}`).toBeLessThan(1e-9)
      expect(Math.abs(eleven - voc[1]), `data set ${seed}`).toBeLessThan(1e-9)
    }
  })

  test.skipIf(!HAS_SAMPLES)('equals a published sample (skipped where it is not at hand)', () => {
    const expected: Record<string, number> = JSON.parse(readSample('voc-ap-sample/expected.json'))
    const rows = (kind: string) =>
      readdirSync(new URL(`voc-ap-sample/${kind}`, SAMPLES)).flatMap((file) =>
        readSample(`voc-ap-sample/${kind}/${file}`)
          .split('\n')
          .filter(Boolean)
          .map((line) => ({ image_id: Number.parseInt(file, 10), numbers: line.split(' ').slice(1).map(Number) })),
      )
    const truth = rows('groundtruths')
    const images = [...new Set(truth.map(({ image_id }) => image_id))]
    const instances = readCocoInstances({
      images: images.map((id) => ({ id, file_name: `${id}`, width: 200, height: 200 })),
      categories: [{ id: 1, name: 'object' }],
      annotations: truth.map(({ image_id, numbers }, id) => ({ id, image_id, category_id: 1, bbox: numbers })),
    })
    const results = readCocoResults(
      rows('detections').map(({ image_id, numbers: [score, ...bbox] }) => ({ image_id, category_id: 1, score, bbox })),
    )
    const options = { iouThreshold: 0.3, pixels: 'inclusive' } as const
    const every = evaluateVoc(instances, results, options).mAP
    const eleven = evaluateVoc(instances, results, { ...options, method: 'eleven-point' }).mAP
    expect(Math.abs(every - (expected.apEveryPoint ?? 0))).toBeLessThan(1e-4)
    expect(Math.abs(eleven - (expected.apElevenPoint ?? 0))).toBeLessThan(1e-4)
  })

  test('a second result on an object is wrong; one that overlaps a difficult object most does not count', () => {
    const truth = picture([DOG, [0, 0, 10, 10]], [DOG, [50, 50, 10, 10], { difficult: 1 }])
    const { perClass, mAP } = evaluateVoc(truth, [
      found(DOG, [50, 50, 10, 10], 0.9),
      found(DOG, [0, 0, 10, 9], 0.8),
      found(DOG, [0, 0, 10, 10], 0.7),
    ])
    expect(mAP).toBe(1)
    expect(perClass[0]).toMatchObject({
      name: 'dog',
      objects: 1,
      recall: Float64Array.of(1, 1),
      precision: Float64Array.of(1, 0.5),
      scores: Float64Array.of(0.8, 0.7),
    })
    expect(perClass[1]).toMatchObject({ name: 'cat', AP: -1 })
  })

  test('inclusive pixels make touching boxes overlap', () => {
    const [truth, results] = [picture([DOG, [0, 0, 1, 0]]), [found(DOG, [0, 0, 1, 0])]]
    expect(evaluateVoc(truth, results).mAP).toBe(0)
    expect(evaluateVoc(truth, results, { pixels: 'inclusive' }).mAP).toBe(1)
  })

  test.each([{ iouThreshold: 0 }, { iouThreshold: Number.NaN }, { method: 'all' }, { pixels: 1 }])(
    'refuses %j',
    (options) => {
      expect(() => evaluateVoc(picture(), [], options as object)).toThrow(
        expect.objectContaining({
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining(Object.keys(options)[0] ?? ''),
        }),
      )
    },
  )
})

test('averagePrecision', () => {
  const [recall, precision] = [Float64Array.of(0.5, 0.5, 1), Float64Array.of(1, 0.5, 2 / 3)]
  expect(averagePrecision(recall, precision, 'every-point')).toBeCloseTo(0.5 + 0.5 * (2 / 3), 12)
  expect(averagePrecision(recall, precision, 'eleven-point')).toBeCloseTo((6 + 5 * (2 / 3)) / 11, 12)
})
