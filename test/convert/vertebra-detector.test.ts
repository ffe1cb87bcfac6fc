import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { FORMAT, vertebraDetector } from '../../src/convert/vertebra-detector.ts'

const CONFIG = JSON.parse(readFileSync(new URL('../fixtures/convert/starting-config.json', import.meta.url), 'utf8'))

function recipeOf(head: object): ReturnType<typeof vertebraDetector> {
  const file = { container: 'safetensors', tensors: new Map(), metadata: { format: FORMAT } }
  return vertebraDetector(file, {}, JSON.stringify({ ...CONFIG, head: { ...CONFIG.head, ...head } }))
}

it.each([
  [{}, false],
  [{ class_agnostic: false }, false],
  [{ class_agnostic: true }, true],
])('boxes for each class or one for all: %j', (head, expected) => {
  expect(recipeOf(head).manifest.head.classAgnostic).toBe(expected)
})

it('refuses longer lists than any network has', () => {
  const levels = Array(101).fill(3)
  const file = { container: 'safetensors', tensors: new Map(), metadata: { format: FORMAT } }
  const config = JSON.stringify({ ...CONFIG, roi: { ...CONFIG.roi, levels } })
  expect(() => vertebraDetector(file, {}, config)).toThrow(/configuration of the weights is wrong: roi\.levels/)
})

it('says which field of a configuration is wrong', () => {
  expect(() => recipeOf({ class_agnostic: 'yes' })).toThrow(
    /configuration of the weights is wrong: head\.class_agnostic/,
  )
})
