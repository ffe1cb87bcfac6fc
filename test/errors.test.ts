import { expect, it } from 'vitest'
import { describe } from '../src/errors.ts'

it('describes what a hostile file may hold', () => {
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = [deep]
  expect(describe(deep)).toBe('[an array of 1]')
  expect(describe(JSON.parse('{"constructor":{"name":{"toString":1}}}'))).toBe('an object (Object)')
  expect(describe([[1, 'a'], null])).toBe('[an array of 2, null]')
})
