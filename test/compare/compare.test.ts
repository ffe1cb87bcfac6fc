import { describe, expect, test } from 'vitest'
import { distinctModelNames } from '../../src/compare/comparison.ts'
import { alignDetections, disagreement, mostDifferent } from '../../src/compare/disagreement.ts'
import { commonLevel } from '../../src/compare/photos.node.ts'
import { compareScores } from '../../src/compare/scores.ts'
import { bootstrap, bootstrapDifference, evaluateCoco } from '../../src/evaluate/index.ts'
import type { Detection } from '../../src/heads/detection.ts'
import { generate } from '../evaluate/generated.ts'

function found(label: string, score: number, x = 0, y = 0): Detection {
  return { label, score, box: [x, y, 100, 100], classIndex: 0, categoryId: 1 }
}

describe('alignDetections', () => {
  test('things are of one class and place; each detection is used once', () => {
    const cat = found('cat', 0.9)
    const rows = alignDetections([[cat], [found('dog', 0.8), found('cat', 0.7, 10), found('cat', 0.6, 5)], []])
    expect(rows.map((row) => row.map((detection) => detection?.score))).toEqual([
      [0.9, 0.7, undefined],
      [undefined, 0.8, undefined],
      [undefined, 0.6, undefined],
    ])
  })

  test('takes the nearest of several', () => {
    const rows = alignDetections([[found('cat', 0.9), found('cat', 0.8, 30)], [found('cat', 0.7, 28)]])
    expect(rows.map((row) => row[1]?.score)).toEqual([undefined, 0.7])
  })
})

describe('disagreement', () => {
  test('sums the differences in score, and what only one has', () => {
    const a = [found('cat', 0.9), found('dog', 0.5, 300)]
    expect(disagreement(a, a)).toBe(0)
    expect(disagreement(a, [found('cat', 0.6, 5)])).toBeCloseTo(0.3 + 0.5, 12)
    expect(disagreement([], a)).toBeCloseTo(1.4, 12)
  })

  test('the most different photos come first, equal ones not at all', () => {
    const one = [[found('cat', 0.9)], [found('cat', 0.9)], [found('cat', 0.9)]]
    const other = [[found('cat', 0.9)], [found('cat', 0.8)], []]
    expect(mostDifferent([one, other], 5)).toEqual([2, 1])
    expect(mostDifferent([one, other], 1)).toEqual([2])
    expect(mostDifferent([one, other, one], 5)).toEqual([2, 1])
  })
})

describe('compareScores', () => {
  test('gives each model the evaluators’ own figures, and intervals to the first', async () => {
    const { instances, results } = generate(12)
    const worse = results.filter((_, i) => i % 3 > 0)
    const phases: string[] = []
    const { models, objects } = await compareScores(instances, [results, worse], {
      onProgress: ({ phase, done, total }) => phases.push(`${phase} ${done}/${total}`),
    })
    expect(models[0]?.coco.stats).toEqual(evaluateCoco(instances, results).stats)
    expect(models[1]?.coco.stats).toEqual(evaluateCoco(instances, worse).stats)
    expect(models[0]?.differences).toBeUndefined()
    const [a, b] = [bootstrap(instances, results), bootstrap(instances, worse)]
    expect(models[1]?.differences?.figures.mAP).toEqual(bootstrapDifference(a.figures.mAP, b.figures.mAP))
    expect(models[1]?.differences?.perClass).toHaveLength(instances.categories.length)
    expect(objects).toBe(instances.annotations.filter(({ iscrowd, difficult }) => iscrowd + difficult === 0).length)
    expect(phases).toEqual(['score 1/4', 'score 2/4', 'score 3/4', 'score 4/4'])
  })

  test('can be cancelled', async () => {
    const { instances, results } = generate(12)
    const signal = AbortSignal.abort()
    await expect(compareScores(instances, [results, results], { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

test('names of equal models are told apart by what differs', () => {
  const model = (name: string, precision: string, device: string) => ({ name, precision, device })
  expect(distinctModelNames([model('a', 'float32', 'cpu'), model('b', 'float32', 'cpu')])).toEqual(['a', 'b'])
  expect(
    distinctModelNames([model('a', 'float32', 'cpu'), model('a', 'int8 weights', 'cpu'), model('b', 'float32', 'cpu')]),
  ).toEqual(['a (float32)', 'a (int8 weights)', 'b'])
  expect(distinctModelNames([model('a', 'float32', 'cpu'), model('a', 'float32', 'webgpu')])).toEqual([
    'a (cpu)',
    'a (webgpu)',
  ])
  expect(distinctModelNames([model('a', 'float32', 'cpu'), model('a', 'float32', 'cpu')])).toEqual(['a', 'a #2'])
})

test('the level of the heat maps is one that all have: of stride 16, or the coarsest', () => {
  const backbone = (...levels: (readonly [string, number])[]) => ({
    features: levels.map(([name, stride]) => ({ name, stride, channels: 8 })),
  })
  const resnet = backbone(['c2', 4], ['c4', 16], ['c5', 32], ['p4', 16])
  expect(commonLevel([resnet, resnet])).toBe('c4')
  expect(commonLevel([resnet, backbone(['c2', 4], ['c5', 16])])).toBe('c5')
  expect(commonLevel([resnet, backbone(['p4', 16])])).toBe('p4')
  expect(commonLevel([resnet, backbone(['x', 16])])).toBeUndefined()
})
