import { describe, expect, it } from 'vitest'
import { expRow, scoreBound, softmax } from '../../src/heads/softmax.ts'
import { seededRandom } from '../../src/random.ts'

const COLUMNS = 7
const random = seededRandom(3)
const rows = Array.from({ length: 500 }, () => Float32Array.from({ length: COLUMNS }, () => 40 * random() - 20))

describe('softmax', () => {
  it('of a row in the middle is that of the row alone, and sums to 1', () => {
    const logits = Float32Array.from(rows.flatMap((row) => [...row]))
    for (const [i, row] of rows.entries()) {
      const probabilities = softmax(logits, i * COLUMNS, new Float32Array(COLUMNS))
      expect(probabilities).toEqual(softmax(row))
      expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6)
    }
  })

  it('does not overflow', () => {
    expect([...softmax(Float32Array.of(1000, 1000, -1000))]).toEqual([0.5, 0.5, 0])
  })
})

describe('scoreBound', () => {
  it('is what the likeliest class has before the sum: no score is above it, to the last digit', () => {
    const exponentials = new Float32Array(COLUMNS)
    for (const row of rows) {
      const bound = scoreBound(row, 0, COLUMNS)
      const sum = expRow(row, 0, exponentials)
      expect(bound).toBe(Math.max(...exponentials.subarray(1)))
      for (const value of exponentials.subarray(1)) expect(Math.fround(value / sum)).toBeLessThanOrEqual(bound)
    }
  })

  it.each([
    ['a NaN class', [0, Number.NaN, 1]],
    ['a NaN background', [Number.NaN, 0, 1]],
    ['an infinite class', [0, Number.POSITIVE_INFINITY, 1]],
  ])('is NaN for %s, which passes no threshold', (_, row) => {
    expect(scoreBound(Float32Array.from(row), 0, 3)).toBeNaN()
  })
})
