import { describe, expect, test } from 'vitest'
import { drawImages } from '../../src/evaluate/image-weights.ts'
import { bootstrap, bootstrapDifference, evaluateCoco, evaluateVoc } from '../../src/evaluate/index.ts'
import type { CocoInstances, CocoResult } from '../../src/formats/index.ts'
import { noise } from '../boxes/noise.ts'
import { generate } from './generated.ts'
import { CAT, found, picture } from './samples.ts'

/** A data set in which each image stands as often as it was drawn, and the results with it. */
function drawn(
  { images, annotations, categories }: CocoInstances,
  results: readonly CocoResult[],
  counts: Uint8Array,
): [CocoInstances, CocoResult[]] {
  const ranked = [...images].sort((a, b) => Number(a.id) - Number(b.id))
  const copies = ranked.flatMap((image, rank) =>
    Array.from({ length: counts[rank] as number }, (_, n) => ({ image, id: rank * 1000 + n })),
  )
  return [
    {
      images: copies.map(({ image, id }) => ({ ...image, id })),
      annotations: copies.flatMap(({ image, id }) =>
        annotations.filter((own) => own.image_id === image.id).map((own) => ({ ...own, image_id: id })),
      ),
      categories,
    },
    copies.flatMap(({ image, id }) =>
      results.filter((own) => own.image_id === image.id).map((own) => ({ ...own, image_id: id })),
    ),
  ]
}

/** One image per object: model a finds it with probability 0.5, b with 0.6; both make as many mistakes. */
function simulate(count: number, seed: number): { instances: CocoInstances; a: CocoResult[]; b: CocoResult[] } {
  const draws = noise(seed, count * 4)
  const ids = Array.from({ length: count }, (_, id) => id)
  const instances: CocoInstances = {
    images: ids.map((id) => ({ id, file_name: `${id}.jpg`, width: 100, height: 100 })),
    annotations: ids.map((id) => ({
      id,
      image_id: id,
      category_id: 1,
      bbox: [10, 10, 40, 40],
      area: 1600,
      iscrowd: 0,
      difficult: 0,
    })),
    categories: [{ id: 1, name: 'thing' }],
  }
  const of = (share: number, offset: number): CocoResult[] =>
    ids.map((id) => {
      const right = (draws[id * 4] as number) < share
      return {
        image_id: id,
        category_id: 1,
        bbox: right ? [10, 10, 40, 40] : [60, 60, 30, 30],
        score: draws[id * 4 + offset] as number,
      }
    })
  return { instances, a: of(0.5, 1), b: of(0.6, 2) }
}

describe('bootstrap', () => {
  test('equals evaluating each drawn data set from scratch', () => {
    for (const seed of [3, 11, 24, 37, 52]) {
      const { instances, results: tied } = generate(seed)
      const results = tied.map((result, i) => ({ ...result, score: result.score + i * 1e-6 }))
      const samples = bootstrap(instances, results, { resamples: 12, seed })
      const images = instances.images.length
      const draws = drawImages(images, 12, seed)
      for (let n = 0; n < 12; n++) {
        const set = drawn(instances, results, draws.subarray(n * images, (n + 1) * images))
        const { stats, perClass } = evaluateCoco(...set)
        const expected: Record<string, number> = { ...stats, mAP: evaluateVoc(...set).mAP }
        for (const [figure, values] of Object.entries(samples.figures)) {
          expect(values[n], `${figure}, draw ${n} of data set ${seed}`).toBeCloseTo(expected[figure] as number, 12)
        }
        perClass.forEach(({ AP, AP50 }, k) => {
          expect(samples.perClass[k]?.AP[n]).toBeCloseTo(AP, 12)
          expect(samples.perClass[k]?.AP50[n]).toBeCloseTo(AP50, 12)
        })
      }
    }
  })

  test('draws as many images as there are, the same ones for the same seed', () => {
    const draws = drawImages(50, 3, 9)
    for (let n = 0; n < 3; n++) {
      expect(draws.subarray(n * 50, (n + 1) * 50).reduce((sum, count) => sum + count, 0)).toBe(50)
    }
    expect(drawImages(50, 3, 9)).toEqual(draws)
    expect(drawImages(50, 3, 10)).not.toEqual(draws)
  })

  test('the interval of a difference holds the truth about as often as it says', () => {
    const population = simulate(20_000, 1)
    const truth =
      evaluateCoco(population.instances, population.b).stats.AP -
      evaluateCoco(population.instances, population.a).stats.AP
    expect(truth).toBeGreaterThan(0.05)
    let held = 0
    for (let trial = 0; trial < 60; trial++) {
      const { instances, a, b } = simulate(100, 100 + trial)
      const [first, second] = [a, b].map((results) => bootstrap(instances, results, { resamples: 200, seed: trial }))
      if (!first || !second) throw new Error('unreachable')
      const { low, high } = bootstrapDifference(first.figures.AP, second.figures.AP)
      if (low <= truth && truth <= high) held++
    }
    // 57 of 60 expected; fewer than 51 would be a chance of one in some hundreds.
    expect(held).toBeGreaterThanOrEqual(51)
  })

  test('one result set against itself, and a data set without objects', () => {
    const { instances, results } = generate(5)
    const { figures } = bootstrap(instances, results, { resamples: 20 })
    expect(bootstrapDifference(figures.AP, figures.AP)).toEqual({ low: 0, high: 0 })
    const empty = bootstrap(picture(), [found(CAT, [1, 1, 9, 9])], { resamples: 5 })
    expect([...empty.figures.AP, ...empty.figures.mAP]).toEqual(Array(10).fill(-1))
    expect(bootstrapDifference(empty.figures.AP, empty.figures.AP)).toEqual({ low: Number.NaN, high: Number.NaN })
  })

  test('refuses wrong options', () => {
    expect(() => bootstrap(picture(), [], { resamples: 0 })).toThrow(
      'Expected a whole number of at least 1 for resamples but received 0.',
    )
    expect(() => bootstrap(picture(), [], { seed: 0.5 })).toThrow('Expected a whole number for seed')
    const one = new Float64Array(1)
    expect(() => bootstrapDifference(one, new Float64Array(2))).toThrow('Expected 1 samples, as a has, for b')
    expect(() => bootstrapDifference(one, one, 95)).toThrow('Expected a number between 0 and 1 for confidence')
  })
})
