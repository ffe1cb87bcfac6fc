import { expect, it } from 'vitest'
import { labelsFor } from '../../src/convert/labels.ts'

it('80 classes are COCO in the order of its ids', () => {
  const labels = labelsFor(80)
  expect(labels).toHaveLength(80)
  expect(new Set(labels.map(({ name }) => name)).size).toBe(80)
  expect(labels[0]).toEqual({ name: 'person', categoryId: 1 })
  expect(labels[11]).toEqual({ name: 'stop sign', categoryId: 13 })
  expect(labels[79]).toEqual({ name: 'toothbrush', categoryId: 90 })
  const gaps = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83]
  const ids = labels.map(({ categoryId }) => categoryId)
  expect([...ids, ...gaps].sort((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, i) => i + 1))
})

it('90 classes are the ids of COCO themselves', () => {
  const labels = labelsFor(90)
  expect(labels[12]).toEqual({ name: 'stop sign', categoryId: 13 })
  expect(labels[11]).toEqual({ name: 'unused 12', categoryId: 12 })
})

it("names that are COCO's or VOC's have their ids, others in the same number are numbered", () => {
  const names = labelsFor(80).map(({ name }) => name)
  expect(labelsFor(80, names)).toEqual(labelsFor(80))
  const underscores = names.map((name) => name.replaceAll(' ', '_'))
  expect(labelsFor(80, underscores)).toEqual(labelsFor(80))
  expect(labelsFor(80, names.toReversed())[68]).toEqual({ name: 'stop sign', categoryId: 69 })
})

it('20 classes are VOC, others are numbered, and names may be given', () => {
  expect(labelsFor(20)[19]).toEqual({ name: 'tvmonitor', categoryId: 20 })
  expect(labelsFor(2)).toEqual([
    { name: 'class 1', categoryId: 1 },
    { name: 'class 2', categoryId: 2 },
  ])
  expect(labelsFor(1, ['cat'])).toEqual([{ name: 'cat', categoryId: 1 }])
  expect(() => labelsFor(2, ['cat'])).toThrow(/2 labels, one for each class.*received 1/)
})

it('names that are given must differ', () => {
  const same = () => labelsFor(3, ['cat', 'dog', 'cat'])
  expect(same).toThrow(/3 different labels but received "cat" twice/)
  expect(same).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})
