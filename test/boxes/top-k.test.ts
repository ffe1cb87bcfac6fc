import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { topK } from '../../src/boxes/top-k.ts'

/** By a full stable sort. */
function sorted(values: readonly number[], k: number): number[] {
  const order = [...values.keys()].filter((i) => !Number.isNaN(values[i]))
  return order
    .sort((a, b) => ((values[a] as number) < (values[b] as number) ? 1 : values[a] === values[b] ? 0 : -1))
    .slice(0, k)
}

const value = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, -0.5, 1e-40, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
)

describe('topK', () => {
  test('equals a stable sort, with ties, NaN and infinities', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), fc.nat(70), (values, k) => {
        expect([...topK(Float32Array.from(values), k)]).toEqual(sorted(values, k))
      }),
      { numRuns: 500 },
    )
  })

  test('reads planes as the list cell by cell', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 }), fc.nat(40), (planes, cells, k) => {
        fc.pre(cells > 0)
        const list = Array.from({ length: planes * cells }, (_, i) => (i * 7919) % 5)
        const values = new Float32Array(3 + list.length).fill(100)
        list.forEach((entry, i) => {
          values[3 + (i % planes) * cells + Math.floor(i / planes)] = entry
        })
        expect([...topK(values, k, { offset: 3, planes, cells })]).toEqual(sorted(list, k))
      }),
    )
  })
  test('refuses other arrays', () => {
    for (const values of [[1, 5, 3], Float64Array.of(1, 5, 3)] as unknown[]) {
      expect(() => topK(values as Float32Array, 2)).toThrow('Expected a Float32Array for values')
    }
  })
})
