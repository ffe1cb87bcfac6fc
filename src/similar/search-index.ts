import { topK } from '../boxes/top-k.ts'
import { checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'

/** Vectors by name, ready to be searched. Plain data: it can be cloned into a worker. */
export interface SearchIndex {
  readonly names: readonly string[]
  /** One for each name, all of one length; they are not copied, so they must not change. */
  readonly vectors: readonly Float32Array[]
  /** Euclidean length of each vector. */
  readonly lengths: Float64Array
}

/** One found vector. */
export interface Neighbour {
  readonly name: string
  /** Its place in the index, from 0. */
  readonly row: number
  /** Cosine of the angle to the query, -1 to 1; 0 where one of the two has no length. */
  readonly similarity: number
}

export interface NearestOptions {
  /** How many neighbours at most. Default 10. */
  readonly top?: number | undefined
}

/** Rows that stay in the cache while all queries of a group pass over them: 2 MB of a network's 2048 channels. */
const BLOCK_ROWS = 256
/** Queries whose similarities are in memory at once. */
const GROUP_QUERIES = 16

/**
 * An index of vectors for {@link nearest}.
 *
 * @param vectors one for each name, all of one length
 * @throws VertebraError `INVALID_ARGUMENT` when counts or lengths differ, or a vector holds a NaN or an infinity
 * @example
 * const photos = ['a.jpg', 'b.jpg', 'c.jpg']
 * const vectors = []
 * for (const photo of photos) vectors.push(await backbone.embed(photo))
 * const index = createIndex(photos, vectors)
 */
export function createIndex(names: readonly string[], vectors: readonly Float32Array[]): SearchIndex {
  if (vectors.length !== names.length) {
    throw unexpected('vectors', `${names.length} vectors, one for each name,`, vectors.length)
  }
  const dimensions = vectors[0]?.length ?? 0
  const lengths = Float64Array.from(vectors, (vector, row) =>
    lengthOf(vector, dimensions, `the vector of ${names[row]}`),
  )
  return { names, vectors, lengths }
}

/**
 * The vectors of an index that are most like a query, by cosine: exact, every vector is looked at.
 *
 * @param query as many numbers as the vectors of the index have
 * @returns the most similar first; of equal ones the earlier in the index
 * @throws VertebraError `INVALID_ARGUMENT` for a query of another length or that holds a NaN, or a `top` that is no count
 * @example
 * for (const { name, similarity } of nearest(index, await backbone.embed('query.jpg'), { top: 5 })) {
 *   console.log(similarity.toFixed(3), name)
 * }
 */
export function nearest(index: SearchIndex, query: Float32Array, options: NearestOptions = {}): Neighbour[] {
  return nearestOfEach(index, [query], options)[0] ?? []
}

/**
 * {@link nearest} for several queries, which pass over each part of the index together: the index is read from memory once
 * for many of them.
 *
 * @returns one list for each query, in their order
 * @throws VertebraError as {@link nearest}
 */
export function nearestOfEach(
  index: SearchIndex,
  queries: readonly Float32Array[],
  { top = 10 }: NearestOptions = {},
): Neighbour[][] {
  checkCount('top', top)
  const { names, vectors } = index
  const dimensions = vectors[0]?.length
  const lengths = queries.map((query, i) => lengthOf(query, dimensions, `query ${i}`))
  const found: Neighbour[][] = []
  for (let first = 0; first < queries.length; first += GROUP_QUERIES) {
    // As doubles, which the sums are in, so that they are not converted again for every row.
    const group = queries.slice(first, first + GROUP_QUERIES).map((query) => Float64Array.from(query))
    const similarities = group.map(() => new Float32Array(vectors.length))
    for (let start = 0; start < vectors.length; start += BLOCK_ROWS) {
      const end = Math.min(start + BLOCK_ROWS, vectors.length)
      for (const [i, query] of group.entries()) {
        compareRows(index, start, end, query, lengths[first + i] as number, similarities[i] as Float32Array)
      }
    }
    for (const values of similarities) {
      found.push(
        Array.from(topK(values, top), (row) => ({
          name: names[row] as string,
          row,
          similarity: values[row] as number,
        })),
      )
    }
  }
  return found
}

/** Four rows at a time: their sums do not wait for each other, and each number of the query is read once for the four. */
function compareRows(
  { vectors, lengths }: SearchIndex,
  start: number,
  end: number,
  query: Float64Array,
  queryLength: number,
  similarities: Float32Array,
): void {
  const store = (row: number, dot: number): void => {
    const product = (lengths[row] as number) * queryLength
    similarities[row] = product === 0 ? 0 : dot / product
  }
  for (let row = start; row < end; row += 4) {
    const a = vectors[row] as Float32Array
    const b = vectors[Math.min(row + 1, end - 1)] as Float32Array
    const c = vectors[Math.min(row + 2, end - 1)] as Float32Array
    const d = vectors[Math.min(row + 3, end - 1)] as Float32Array
    let dotA = 0
    let dotB = 0
    let dotC = 0
    let dotD = 0
    for (let i = 0; i < query.length; i++) {
      const value = query[i] as number
      dotA += value * (a[i] as number)
      dotB += value * (b[i] as number)
      dotC += value * (c[i] as number)
      dotD += value * (d[i] as number)
    }
    store(row, dotA)
    if (row + 1 < end) store(row + 1, dotB)
    if (row + 2 < end) store(row + 2, dotC)
    if (row + 3 < end) store(row + 3, dotD)
  }
}

/** Also finds out whether all numbers are finite: the sum of their squares is not otherwise. */
function lengthOf(vector: Float32Array, dimensions: number | undefined, name: string): number {
  if (!(vector instanceof Float32Array) || vector.length !== (dimensions ?? vector.length)) {
    throw unexpected(name, `a Float32Array of ${dimensions} numbers, as the index has,`, vector)
  }
  let squares = 0
  for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) * (vector[i] as number)
  if (!Number.isFinite(squares)) throw unexpected(name, 'finite numbers', squares)
  return Math.sqrt(squares)
}
