import type { EvaluationTable } from './table.ts'

/** The objects and results that are matched with each other. */
export interface Cell {
  /** Rank of the category, or 0 where cells are whole images. */
  readonly category: number
  /** Rank of the image. */
  readonly image: number
  /** Rows of the object table, in the file's order. */
  readonly objects: Uint32Array
  /** Rows of the result table, highest score first; of equal scores in the file's order. */
  readonly results: Uint32Array
}

/** One cell per category and image that has any, by category, then image: what AP is computed from. */
export function categoryCells(table: EvaluationTable): Generator<Cell> {
  const { objects, results, imageIds, categories } = table
  const [I, K] = [imageIds.length, categories.length]
  const order = (rows: { count: number; image: Uint32Array; category: Uint32Array }): Uint32Array =>
    stableOrder(rows.category, K, stableOrder(rows.image, I, identity(rows.count)))
  return cells(table, order(objects), order(results), true)
}

/** The cells of `categoryCells` together by category; categories without any are left out. */
export function* cellsByCategory(
  table: EvaluationTable,
): Generator<readonly [category: number, cells: readonly Cell[]]> {
  let cells: Cell[] = []
  for (const cell of categoryCells(table)) {
    const category = cells[0]?.category
    if (category !== undefined && category !== cell.category) {
      yield [category, cells]
      cells = []
    }
    cells.push(cell)
  }
  if (cells[0]) yield [cells[0].category, cells]
}

/** One cell per image that has any, all categories together: what confusions are computed from. */
export function imageCells(table: EvaluationTable): Generator<Cell> {
  const { objects, results, imageIds } = table
  const I = imageIds.length
  return cells(
    table,
    stableOrder(objects.image, I, identity(objects.count)),
    stableOrder(results.image, I, identity(results.count)),
    false,
  )
}

function* cells(
  { objects, results, imageIds }: EvaluationTable,
  objectOrder: Uint32Array,
  resultOrder: Uint32Array,
  byCategory: boolean,
): Generator<Cell> {
  const I = imageIds.length
  const { scores } = results
  const keyAt = (table: { image: Uint32Array; category: Uint32Array }, order: Uint32Array, at: number): number => {
    if (at === order.length) return Number.POSITIVE_INFINITY
    const row = order[at] as number
    return (byCategory ? (table.category[row] as number) * I : 0) + (table.image[row] as number)
  }
  const byScore = (a: number, b: number): number => (scores[b] as number) - (scores[a] as number) || a - b
  let [o, r] = [0, 0]
  let [objectKey, resultKey] = [keyAt(objects, objectOrder, 0), keyAt(results, resultOrder, 0)]
  while (objectKey !== Number.POSITIVE_INFINITY || resultKey !== Number.POSITIVE_INFINITY) {
    const key = Math.min(objectKey, resultKey)
    const [o0, r0] = [o, r]
    while (objectKey === key) objectKey = keyAt(objects, objectOrder, ++o)
    while (resultKey === key) resultKey = keyAt(results, resultOrder, ++r)
    const own = resultOrder.subarray(r0, r)
    if (own.length > 1) own.sort(byScore)
    yield { category: Math.floor(key / I), image: key % I, objects: objectOrder.subarray(o0, o), results: own }
  }
}

function identity(count: number): Uint32Array {
  return new Uint32Array(count).map((_, i) => i)
}

/** The rows of `order` sorted by their key (below `keys`), equal keys in the given order: a counting sort. */
function stableOrder(key: Uint32Array, keys: number, order: Uint32Array): Uint32Array {
  const next = new Uint32Array(keys + 1)
  for (const row of order) next[(key[row] as number) + 1] = (next[(key[row] as number) + 1] as number) + 1
  for (let k = 0; k < keys; k++) next[k + 1] = (next[k + 1] as number) + (next[k] as number)
  const sorted = new Uint32Array(order.length)
  for (const row of order) {
    const k = key[row] as number
    const at = next[k] as number
    sorted[at] = row
    next[k] = at + 1
  }
  return sorted
}
