import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { cocoCurve, evaluateCoco } from '../../src/evaluate/index.ts'
import { readCocoInstances, readCocoResults } from '../../src/formats/index.ts'
import { readFixture } from '../boxes/noise.ts'
import { generate } from './generated.ts'
import { CAT, DOG, found, HAS_SAMPLES, picture, type Reference, readSample } from './samples.ts'

const BOX = [10, 10, 50, 50]
/** pycocotools adds an epsilon to every denominator. */
const ONE: number = expect.closeTo(1, 12)
const python = process.env.PYCOCOTOOLS_PYTHON

function expectReference({ names, cases }: Reference): void {
  for (const { seed, coco } of cases) {
    const { instances, results } = generate(seed)
    const { stats } = evaluateCoco(instances, results, { difficult: 'count' })
    names.forEach((name, i) => {
      expect(Math.abs(stats[name] - (coco[i] as number)), `${name} of data set ${seed}`).toBeLessThan(1e-9)
    })
  }
}

describe('evaluateCoco', () => {
  test('equals pycocotools on generated data sets', () => {
    const reference = readFixture<Reference>('evaluate/generated.json')
    expect(reference.cases.length).toBeGreaterThan(50)
    expectReference(reference)
  })

  test.skipIf(!python)(
    'equals pycocotools on 200 generated data sets, run now (set PYCOCOTOOLS_PYTHON to a Python that has it)',
    () => {
      const script = fileURLToPath(new URL('../reference/evaluation.py', import.meta.url))
      const text = execFileSync(python ?? '', [script, '--print', '202'], { encoding: 'utf8', maxBuffer: 2 ** 26 })
      const reference: Reference = JSON.parse(text)
      expect(reference.cases.length).toBeGreaterThanOrEqual(200)
      expectReference(reference)
    },
    300_000,
  )

  test.skipIf(!HAS_SAMPLES)("equals pycocotools on COCO's own sample (skipped where it is not at hand)", () => {
    const read = (file: string): string => readSample(`coco-val2014-fakebbox/${file}`)
    const { stats } = evaluateCoco(
      readCocoInstances(read('instances_val2014_100.json')),
      readCocoResults(read('instances_val2014_fakebbox100_results.json')),
    )
    const e: Record<string, unknown> = JSON.parse(read('expected.json'))
    const expected = [e.AP, e.AP50, e.AP75, e.APsmall, e.APmedium, e.APlarge]
    expected.push(e.AR1, e.AR10, e.AR100, e.ARsmall, e.ARmedium, e.ARlarge)
    Object.values(stats).forEach((value, i) => {
      expect(Math.abs(value - Number(expected[i])), Object.keys(stats)[i]).toBeLessThan(1e-9)
    })
  })

  test('a perfect result; classes and sizes without objects are -1; other categories are left out and said', () => {
    const perfect = evaluateCoco(picture([CAT, BOX]), [found(CAT, BOX), found(99, BOX, 0.01)])
    expect(perfect.stats).toMatchObject({ AP: ONE, AP50: ONE, AR1: 1, APm: ONE, APs: -1, ARl: -1 })
    expect(perfect.perClass).toMatchObject([
      { categoryId: DOG, name: 'dog', AP: -1, objects: 0, results: 0 },
      { categoryId: CAT, name: 'cat', AP: ONE, objects: 1, results: 1 },
    ])
    expect(perfect.warnings).toEqual([
      '1 of 2 results have categories that the ground truth does not have; they were left out.',
    ])
  })

  test('an IoU of 0.72 counts at 0.5 to 0.7', () => {
    const { stats } = evaluateCoco(picture([DOG, [0, 0, 10, 10]]), [found(DOG, [0, 0, 10, 7.2])])
    expect(stats).toMatchObject({ AP50: ONE, AP75: 0 })
    expect(stats.AP).toBeCloseTo(0.5, 12)
  })

  test('no results, no objects', () => {
    expect(evaluateCoco(picture([CAT, BOX]), []).stats).toMatchObject({ AP: 0, AR100: 0 })
    expect(evaluateCoco(picture(), [found(CAT, BOX)]).stats).toMatchObject({ AP: -1, AR100: -1 })
    expect(evaluateCoco({ images: [], annotations: [], categories: [] }, []).stats).toMatchObject({ AP: -1 })
  })

  test('a difficult object is ignored like a crowd, unless it shall count', () => {
    const truth = picture([DOG, BOX], [DOG, [70, 70, 20, 20], { difficult: 1 }])
    const results = [found(DOG, [70, 70, 10, 10], 0.95), found(DOG, BOX)]
    expect(evaluateCoco(truth, results).stats.AP).toBeCloseTo(1, 12)
    expect(evaluateCoco(truth, results, { difficult: 'count' }).stats.AP).toBeLessThan(0.5)
  })

  test('curves', () => {
    const evaluation = evaluateCoco(picture([DOG, BOX], [DOG, [70, 70, 20, 20]]), [
      found(DOG, BOX, 0.9),
      found(DOG, [0, 80, 10, 10], 0.8),
      found(DOG, [70, 70, 20, 20], 0.7),
    ])
    const { recall, precision } = cocoCurve(evaluation, { categoryId: DOG, iou: 0.75 })
    expect([recall.length, recall[50], recall[100]]).toEqual([101, 0.5, 1])
    expect([precision[50], precision[51], precision[100]]).toEqual([
      ONE,
      expect.closeTo(2 / 3, 9),
      expect.closeTo(2 / 3, 9),
    ])
    expect(cocoCurve(evaluation, { iou: 0.75 }).precision).toEqual(precision)
    expect(cocoCurve(evaluation, { area: 'large' }).precision[0]).toBe(-1)
    for (const wrong of [{ iou: 0.51 }, { categoryId: 2 }, { maxDetections: 5 }]) {
      expect(() => cocoCurve(evaluation, wrong)).toThrow(
        expect.objectContaining({
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining(Object.keys(wrong)[0] ?? ''),
        }),
      )
    }
  })

  test.each<[string, () => unknown, string]>([
    [
      'a result of an unknown image',
      () => evaluateCoco(picture(), [{ ...found(DOG, BOX), image_id: 2 }]),
      'Expected the id of an annotated image for image_id of result 0 but received 2.',
    ],
    ['a score that is no number', () => evaluateCoco(picture(), [found(DOG, BOX, Number.NaN)]), 'score of result 0'],
    ['a box that is no box', () => evaluateCoco(picture(), [found(DOG, [0, 0, -1, 1])]), 'bbox of result 0'],
    [
      'an object of an unknown image',
      () => evaluateCoco({ ...picture([DOG, BOX]), images: [] }, []),
      'image_id of annotation 0',
    ],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(expect.objectContaining({ code: 'DATA_INVALID', message: expect.stringContaining(message) }))
  })

  test('warns when results were cut at a high score', () => {
    const truth = picture([DOG, BOX])
    const warnings = (scores: readonly number[]): readonly string[] =>
      evaluateCoco(
        truth,
        scores.map((score) => found(DOG, BOX, score)),
      ).warnings
    expect(warnings([0.9, 0.3])).toEqual([expect.stringContaining('lowest score is 0.3 and 1 of 1 images')])
    expect(warnings([0.9, 0.05])).toEqual([])
    expect(warnings(Array.from({ length: 100 }, () => 0.5))).toEqual([])
    expect(warnings([])).toEqual([])
  })
})
