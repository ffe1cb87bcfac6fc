import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type CocoFigures, evaluateCoco, evaluateVoc } from '../../src/evaluate/index.ts'
import { type CocoInstances, readCocoInstances, readCocoResults } from '../../src/formats/index.ts'
import { readFixture } from '../boxes/noise.ts'
import { generate } from './generated.ts'

const { names, cases } = readFixture<{
  names: readonly (keyof CocoFigures)[]
  cases: readonly { seed: number; coco: readonly number[]; voc: readonly [number, number] }[]
}>('evaluate/generated.json')

const samples = new URL('../../../shared/fixtures/', import.meta.url)
const withoutCrowds = (instances: CocoInstances): CocoInstances => ({
  ...instances,
  annotations: instances.annotations.map((annotation) => ({ ...annotation, iscrowd: 0 })),
})

describe('evaluateCoco', () => {
  test('equals pycocotools on generated data sets', () => {
    expect(cases.length).toBeGreaterThan(50)
    for (const { seed, coco } of cases) {
      const { instances, results } = generate(seed)
      const figures = evaluateCoco(instances, results)
      names.forEach((name, i) => {
        expect(Math.abs(figures[name] - (coco[i] as number)), `${name} of data set ${seed}`).toBeLessThan(1e-9)
      })
    }
  })

  test.skipIf(!existsSync(samples))("equals pycocotools on COCO's own sample (skipped where it is not at hand)", () => {
    const read = (file: string) => readFileSync(new URL(`coco-val2014-fakebbox/${file}`, samples), 'utf8')
    const figures = evaluateCoco(
      readCocoInstances(read('instances_val2014_100.json')),
      readCocoResults(read('instances_val2014_fakebbox100_results.json')),
    )
    const expected: Record<string, number> = JSON.parse(read('expected.json'))
    for (const name of names) expect(Math.abs(figures[name] - (expected[name] as number)), name).toBeLessThan(1e-9)
  })

  const instances = readCocoInstances({
    images: [{ id: 1, file_name: 'a.jpg', width: 100, height: 100 }],
    categories: [
      { id: 1, name: 'dog' },
      { id: 5, name: 'cat' },
    ],
    annotations: [{ id: 0, image_id: 1, category_id: 5, bbox: [10, 10, 50, 50] }],
  })
  const hit = { image_id: 1, category_id: 5, bbox: [10, 10, 50, 50], score: 0.9 } as const

  test('a perfect result; classes and sizes without objects are -1', () => {
    const { categories, ...figures } = evaluateCoco(instances, [hit, { ...hit, category_id: 99 }])
    const one = expect.closeTo(1, 12)
    expect(figures).toMatchObject({ AP: one, AP50: one, AR1: 1, APmedium: one, APsmall: -1, ARlarge: -1 })
    expect(figures.unknownCategories).toBe(1)
    expect(categories).toMatchObject([
      { id: 1, name: 'dog', AP: -1, objects: 0 },
      { id: 5, name: 'cat', AP: one, objects: 1 },
    ])
  })

  test('no results, no objects, unknown images', () => {
    expect(evaluateCoco(instances, [])).toMatchObject({ AP: 0, AR100: 0 })
    expect(evaluateCoco({ ...instances, annotations: [] }, [hit])).toMatchObject({ AP: -1, AR100: -1 })
    expect(() => evaluateCoco(instances, [{ ...hit, image_id: 2 }])).toThrow(
      'Expected the id of an annotated image for image_id of a result but received 2.',
    )
  })
})

describe('evaluateVoc', () => {
  test('equals a plain second implementation on generated data sets', () => {
    for (const { seed, voc } of cases) {
      const { instances, results } = generate(seed)
      const plain = withoutCrowds(instances)
      const every = evaluateVoc(plain, results).mAP
      const eleven = evaluateVoc(plain, results, { method: 'eleven-point' }).mAP
      expect(Math.abs(every - voc[0]), `data set ${seed}`).toBeLessThan(1e-9)
      expect(Math.abs(eleven - voc[1]), `data set ${seed}`).toBeLessThan(1e-9)
    }
  })

  test.skipIf(!existsSync(samples))('equals a published sample (skipped where it is not at hand)', () => {
    const folder = new URL('voc-ap-sample/', samples)
    const expected: { apEveryPoint: number; apElevenPoint: number } = JSON.parse(
      readFileSync(new URL('expected.json', folder), 'utf8'),
    )
    const rows = (kind: string) =>
      readdirSync(new URL(kind, folder)).flatMap((file) =>
        readFileSync(new URL(`${kind}/${file}`, folder), 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => ({ image_id: Number.parseInt(file, 10), numbers: line.split(' ').slice(1).map(Number) })),
      )
    const truth = rows('groundtruths')
    // The sample's corners are inclusive: a box of width w covers w + 1 pixels.
    const inclusive = ([x = 0, y = 0, w = 0, h = 0]: number[]) => [x, y, w + 1, h + 1]
    const instances = readCocoInstances({
      images: [...new Set(truth.map(({ image_id }) => image_id))].map((id) => ({
        id,
        file_name: `${id}`,
        width: 200,
        height: 200,
      })),
      categories: [{ id: 1, name: 'object' }],
      annotations: truth.map(({ image_id, numbers }, id) => ({
        id,
        image_id,
        category_id: 1,
        bbox: inclusive(numbers),
      })),
    })
    const results = readCocoResults(
      rows('detections').map(({ image_id, numbers: [score, ...box] }) => ({
        image_id,
        category_id: 1,
        score,
        bbox: inclusive(box),
      })),
    )
    const every = evaluateVoc(instances, results, { iouThreshold: 0.3 })
    const eleven = evaluateVoc(instances, results, { iouThreshold: 0.3, method: 'eleven-point' })
    expect(Math.abs(every.mAP - expected.apEveryPoint)).toBeLessThan(1e-4)
    expect(Math.abs(eleven.mAP - expected.apElevenPoint)).toBeLessThan(1e-4)
  })

  test('a wrong threshold is refused', () => {
    expect(() => evaluateVoc({ images: [], annotations: [], categories: [] }, [], { iouThreshold: 0 })).toThrow(
      'iouThreshold',
    )
  })
})
