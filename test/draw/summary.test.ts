import { expect, test } from 'vitest'
import { describeDetections } from '../../src/draw/summary.ts'

const describe = (...labels: string[]): string => describeDetections(labels.map((label) => ({ label })))

test('what is seen in words, the most frequent first, then by name', () => {
  expect(describe('dog', 'person', 'person')).toBe('2 persons, 1 dog')
  expect(describe('dog', 'cat')).toBe('1 cat, 1 dog')
  expect(describe()).toBe('nothing found')
})

test('English plurals, also of labels of two words', () => {
  const plurals = [
    'bus',
    'bench',
    'sheep',
    'knife',
    'computer mouse',
    'wine glass',
    'toothbrush',
    'teddy bear',
    'baby',
    'key',
  ]
  expect(plurals.map((label) => describe(label, label))).toEqual([
    '2 buses',
    '2 benches',
    '2 sheep',
    '2 knives',
    '2 computer mice',
    '2 wine glasses',
    '2 toothbrushes',
    '2 teddy bears',
    '2 babies',
    '2 keys',
  ])
})

test('labels that are names of object members are counted like others', () => {
  expect(describe('constructor', '__proto__', 'constructor')).toBe('2 constructors, 1 __proto__')
})
