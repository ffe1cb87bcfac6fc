import { describe, expect, it } from 'vitest'
import { cosineSimilarity } from '../../src/detector/feature-map.ts'
import { seededRandom } from '../../src/random.ts'
import { createIndex, nearest, nearestOfEach } from '../../src/similar/search-index.ts'
import { errorOf } from '../error-of.ts'

const random = seededRandom(3)
const vectorsOf = (count: number, dimensions: number): Float32Array[] =>
  Array.from({ length: count }, () => Float32Array.from({ length: dimensions }, () => random() - 0.3))
const namesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `photo ${i}`)

describe('nearest', () => {
  // Sizes around the block of rows and the four that are compared together.
  it.each([1, 2, 3, 4, 5, 255, 256, 257, 1030])('finds the same as comparing with all of %i vectors', (count) => {
    const vectors = vectorsOf(count, 19)
    const index = createIndex(namesOf(count), vectors)
    const queries = vectorsOf(18, 19)
    const found = nearestOfEach(index, queries, { top: 7 })
    for (const [q, query] of queries.entries()) {
      const expected = vectors
        .map((vector, row) => ({ name: `photo ${row}`, row, similarity: Math.fround(cosineSimilarity(query, vector)) }))
        .sort((a, b) => b.similarity - a.similarity || a.row - b.row)
        .slice(0, 7)
      expect(found[q]?.map(({ name, row }) => ({ name, row }))).toEqual(
        expected.map(({ name, row }) => ({ name, row })),
      )
      for (const [i, { similarity }] of expected.entries()) expect(found[q]?.[i]?.similarity).toBeCloseTo(similarity, 6)
      expect(nearest(index, query, { top: 7 })).toEqual(found[q])
    }
  })

  it('takes no notice of lengths, and puts the earlier of equal ones first', () => {
    const index = createIndex(
      ['far', 'long', 'zero', 'short', 'opposite'],
      [
        Float32Array.of(0, 1),
        Float32Array.of(1e18, 0),
        Float32Array.of(0, 0),
        Float32Array.of(1e-18, 0),
        Float32Array.of(-1, 0),
      ],
    )
    expect(nearest(index, Float32Array.of(2, 0)).map(({ name, similarity }) => [name, similarity])).toEqual([
      ['long', 1],
      ['short', 1],
      ['far', 0],
      ['zero', 0],
      ['opposite', -1],
    ])
  })

  it('finds nothing in an empty index, and ten unless told otherwise', () => {
    expect(nearest(createIndex([], []), Float32Array.of(1, 2))).toEqual([])
    const vectors = vectorsOf(20, 3)
    expect(nearest(createIndex(namesOf(20), vectors), Float32Array.of(1, 2, 3))).toHaveLength(10)
  })

  it('refuses what does not fit together', async () => {
    const refused = async (work: () => unknown, message: RegExp) => {
      const error = await errorOf((async () => work())())
      expect(error).toMatch(/^INVALID_ARGUMENT/)
      expect(error).toMatch(message)
    }
    const index = createIndex(['a'], [Float32Array.of(1, 2)])
    await refused(() => createIndex(['a', 'b'], [Float32Array.of(1)]), /Expected 2 vectors, one for each name/)
    await refused(() => createIndex(['a', 'b'], [Float32Array.of(1), Float32Array.of(1, 2)]), /1 numbers.*vector of b/)
    await refused(
      () => createIndex(['a'], [Float32Array.of(Number.NaN)]),
      /Expected finite numbers for the vector of a/,
    )
    await refused(() => nearest(index, Float32Array.of(1)), /Expected a Float32Array of 2 numbers.*for query 0/)
    await refused(() => nearest(index, Float32Array.of(1, Number.POSITIVE_INFINITY)), /finite numbers for query 0/)
    await refused(() => nearest(index, Float32Array.of(1, 2), { top: 0 }), /whole number of at least 1 for top/)
  })
})
