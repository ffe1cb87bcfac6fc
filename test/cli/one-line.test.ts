import { expect, it } from 'vitest'
import { oneLine } from '../../src/cli/one-line.ts'

it('a message for a terminal is one line without what could steer it', () => {
  expect(oneLine('a\n    b')).toBe('a b')
  expect(oneLine('name \x1b]0;owned\x07 \x9b2J \u202egpj.exe\u2066')).toBe('name ?]0;owned? ?2J ?gpj.exe?')
  expect(oneLine('Erwartet: Größe 3 × 4 – 日本')).toBe('Erwartet: Größe 3 × 4 – 日本')
})

it('is short, however long a name out of a file', () => {
  expect(oneLine('\n'.repeat(5e6))).toHaveLength(2)
  expect(oneLine('a'.repeat(5e6))).toHaveLength(2001)
})
