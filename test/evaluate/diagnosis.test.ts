import { describe, expect, test } from 'vitest'
import type { XYWH } from '../../src/boxes/index.ts'
import { confusionMatrix, errorBreakdown, evaluateCoco, operatingPoint } from '../../src/evaluate/index.ts'
import { generate } from './generated.ts'
import { CAT, DOG, found, picture } from './samples.ts'

const A = [0, 0, 20, 20]
const B = [40, 0, 20, 20]
const C = [0, 40, 20, 20]
const AWAY = [70, 70, 20, 20]
/** IoU with `A`: 0.25. */
const NEAR_A = [0, 0, 20, 5]

const shifted = ([x, y, w, h]: XYWH, i: number): XYWH => [x + i * 1e-4, y + i * 2e-4, w, h]

describe('operatingPoint', () => {
  const truth = picture([DOG, A], [DOG, B], [CAT, C], [CAT, AWAY, { iscrowd: 1 }])

  test('counts per class and over all', () => {
    const point = operatingPoint(truth, [
      found(DOG, A, 0.9),
      found(DOG, A, 0.8),
      found(CAT, C, 0.7),
      found(CAT, [70, 70, 10, 10], 0.7),
      found(DOG, B, 0.49),
    ])
    expect(point).toMatchObject({
      truePositives: 2,
      falsePositives: 1,
      falseNegatives: 1,
      precision: 2 / 3,
      recall: 2 / 3,
    })
    expect(point.F1).toBeCloseTo(2 / 3, 12)
    expect(point.perClass).toMatchObject([
      { name: 'dog', truePositives: 1, falsePositives: 1, falseNegatives: 1, precision: 0.5, recall: 0.5, F1: 0.5 },
      { name: 'cat', truePositives: 1, falsePositives: 0, falseNegatives: 0, precision: 1, recall: 1, F1: 1 },
    ])
  })

  test('what cannot be measured is -1', () => {
    expect(operatingPoint(picture(), [])).toMatchObject({ precision: -1, recall: -1, F1: -1 })
    expect(operatingPoint(picture([DOG, A]), [])).toMatchObject({ precision: -1, recall: 0, F1: 0 })
  })

  test('wrong options', () => {
    expect(() => operatingPoint(truth, [], { minScore: Number.NaN })).toThrow('minScore')
    expect(() => operatingPoint(truth, [], { iouThreshold: 2 })).toThrow('iouThreshold')
    expect(() => operatingPoint(truth, [], { difficult: 'x' } as object)).toThrow('difficult')
  })
})

describe('confusionMatrix', () => {
  test('rows are what is there, columns what was detected', () => {
    const truth = picture([DOG, A], [CAT, B], [DOG, C], [DOG, AWAY, { difficult: 1 }])
    const { labels, counts } = confusionMatrix(truth, [
      found(CAT, A, 0.95), // the same overlap as the next: the right class is paired
      found(DOG, A, 0.9),
      found(DOG, B, 0.9),
      found(DOG, AWAY, 0.9), // on a difficult object: left out
      found(CAT, AWAY, 0.9),
      found(CAT, C, 0.4),
    ])
    expect(labels).toEqual(['dog', 'cat', 'background'])
    expect([...counts]).toEqual([
      ...[1, 0, 1], // dog: found, taken for a cat, missed
      ...[1, 0, 0],
      ...[0, 2, 0],
    ])
  })

  test('the closest pair comes first, whatever the scores', () => {
    const { counts } = confusionMatrix(picture([DOG, A]), [found(CAT, [0, 0, 20, 15], 0.99), found(DOG, A, 0.6)])
    expect([...counts]).toEqual([1, 0, 0, 0, 0, 0, 0, 1, 0])
  })
})

describe('errorBreakdown', () => {
  test.each([
    ['class', found(CAT, A)],
    ['localisation', found(DOG, NEAR_A)],
    ['both', found(CAT, NEAR_A)],
    ['background', found(DOG, AWAY)],
  ] as const)('%s', (kind, result) => {
    const { counts, AP, gains } = errorBreakdown(picture([DOG, A]), [result])
    const fixes = kind === 'class' || kind === 'localisation'
    expect(counts).toEqual({
      class: 0,
      localisation: 0,
      both: 0,
      duplicate: 0,
      background: 0,
      missed: fixes ? 0 : 1,
      [kind]: 1,
    })
    expect(AP).toBe(0)
    expect(gains[kind]).toBeCloseTo(fixes ? 1 : 0, 12)
  })

  test('duplicate, and what mending gains', () => {
    const truth = picture([DOG, A], [DOG, B])
    const results = [found(DOG, A, 0.9), found(DOG, A, 0.8), found(DOG, AWAY, 0.75), found(DOG, B, 0.7)]
    const { counts, AP, gains, perClass } = errorBreakdown(truth, results)
    expect(counts).toMatchObject({ duplicate: 1, background: 1, missed: 0 })
    expect(perClass[0]?.counts).toEqual(counts)
    // Recall 0 to 0.5 at precision 1, then 2 of 4; without the duplicate 2 of 3.
    expect(AP).toBeCloseTo((51 + 50 * 0.5) / 101, 12)
    expect(gains.duplicate).toBeCloseTo((50 * (2 / 3 - 0.5)) / 101, 12)
    expect(gains.class).toBe(0)
  })

  test('only the best of several errors is moved onto an object; results on ignored objects are no errors', () => {
    const truth = picture([DOG, A], [CAT, AWAY, { iscrowd: 1 }])
    const results = [found(CAT, A, 0.9), found(CAT, A, 0.8), found(DOG, NEAR_A, 0.7), found(CAT, AWAY, 0.6)]
    const { counts, gains } = errorBreakdown(truth, results)
    expect(counts).toEqual({ class: 2, localisation: 1, both: 0, duplicate: 0, background: 0, missed: 0 })
    // With the classes mended the cat of 0.9 is the dog's first result, and right.
    expect(gains.class).toBeCloseTo(1, 12)
    expect(gains.localisation).toBe(0)
  })

  test('a missed object', () => {
    const { counts, gains, AP } = errorBreakdown(picture([DOG, A], [DOG, B]), [found(DOG, A)])
    expect(counts.missed).toBe(1)
    expect(AP + gains.missed).toBeCloseTo(1, 12)
  })

  test('a class of which only missed objects are left is not part of the mended mean', () => {
    const { AP, gains } = errorBreakdown(picture([DOG, A], [CAT, B]), [found(DOG, A)])
    expect(AP).toBeCloseTo(0.5, 12)
    expect(gains.missed).toBeCloseTo(0.5, 12)
  })

  test('agrees with the other evaluators on generated data sets', () => {
    for (let seed = 0; seed < 40; seed++) {
      const { instances, results } = generate(seed)
      // No two results of one score and no two overlaps alike, which are the cases in which the rules differ.
      const distinct = results
        .map((result, i) => ({ ...result, score: result.score + i * 1e-6, bbox: shifted(result.bbox, i) }))
        .filter(({ image_id }, i) => results.slice(0, i).filter((r) => r.image_id === image_id).length < 100)
      const truth = { ...instances, annotations: instances.annotations.map((a) => ({ ...a, iscrowd: 0 as const })) }
      const { AP, counts } = errorBreakdown(truth, distinct, { difficult: 'count' })
      const point = operatingPoint(truth, distinct, { difficult: 'count', minScore: 0 })
      const wrong = counts.class + counts.localisation + counts.both + counts.duplicate + counts.background
      expect(wrong, `data set ${seed}`).toBe(point.falsePositives)
      expect(counts.missed).toBeLessThanOrEqual(point.falseNegatives)
      expect(AP).toBeCloseTo(evaluateCoco(truth, distinct, { difficult: 'count' }).stats.AP50, 9)
    }
  })

  test('wrong options', () => {
    expect(() => errorBreakdown(picture(), [], { backgroundIou: 0.6 })).toThrow(
      'Expected at most 0.5 for backgroundIou',
    )
  })
})
