import { type Cell, imageCells } from './cells.ts'
import { liesOnRegion } from './confusion.ts'
import { iouRow } from './match.ts'
import type { EvaluationTable } from './table.ts'

/** What can be wrong, in the order of TIDE's tables. */
export const ERROR_KINDS = ['class', 'localisation', 'both', 'duplicate', 'background', 'missed'] as const

export type ErrorKind = (typeof ERROR_KINDS)[number]

/** A result that counts. */
export interface JudgedResult {
  readonly score: number
  readonly category: number
  /** What is wrong with it; undefined: it found an object. */
  readonly error: Exclude<ErrorKind, 'missed'> | undefined
  /** The category in which it would be right if its class or place were mended; -1: it would be left out. */
  mended: number
}

export interface Judgement {
  readonly results: JudgedResult[]
  /** Objects that count, per category. */
  readonly objects: Uint32Array
  /** Of them, those that no mended result would find, per category. */
  readonly missed: Uint32Array
}

const MOST = 100

/** Says of every result, at most 100 per image, whether it found an object or what is wrong with it. */
export function judge(table: EvaluationTable, iouThreshold: number, backgroundIou: number): Judgement {
  const K = table.categories.length
  const judgement: Judgement = { results: [], objects: new Uint32Array(K), missed: new Uint32Array(K) }
  for (const cell of imageCells(table)) judgeImage(table, cell, iouThreshold, backgroundIou, judgement)
  return judgement
}

function judgeImage(
  table: EvaluationTable,
  cell: Cell,
  iouThreshold: number,
  backgroundIou: number,
  judgement: Judgement,
): void {
  const objects = cell.objects.filter((row) => table.objects.ignored[row] === 0)
  const regions = cell.objects.filter((row) => table.objects.ignored[row] === 1)
  const rows = cell.results.subarray(0, MOST)
  const G = objects.length
  const categoryOf = Uint32Array.from(objects, (row) => table.objects.category[row] as number)
  const ious = new Float64Array(rows.length * G)
  rows.forEach((row, d) => {
    iouRow(table, row, objects, undefined, ious, d * G)
  })
  const found = new Uint8Array(G)
  const right = Array.from(rows, (row, d): boolean => {
    const own = table.results.category[row]
    const best = largest(ious, d * G, G, (g) => categoryOf[g] === own && found[g] === 0)
    if (best.iou < iouThreshold) return false
    found[best.at] = 1
    return true
  })
  // Per object, the first (highest scoring) result that would find it if mended.
  const mender: (JudgedResult | undefined)[] = Array.from({ length: G }, () => undefined)
  rows.forEach((row, d) => {
    const category = table.results.category[row] as number
    const score = table.results.scores[row] as number
    if (right[d]) {
      judgement.results.push({ score, category, error: undefined, mended: category })
      return
    }
    if (liesOnRegion(table, row, regions, iouThreshold)) return
    const { error, object } = errorOf(d, category)
    const result: JudgedResult = { score, category, error, mended: -1 }
    if (object >= 0 && found[object] === 0 && mender[object] === undefined) {
      mender[object] = result
      result.mended = categoryOf[object] as number
    }
    judgement.results.push(result)
  })
  for (let g = 0; g < G; g++) {
    const k = categoryOf[g] as number
    judgement.objects[k] = (judgement.objects[k] as number) + 1
    if (found[g] === 0 && mender[g] === undefined) judgement.missed[k] = (judgement.missed[k] as number) + 1
  }

  function errorOf(d: number, category: number): { error: Exclude<ErrorKind, 'missed'>; object: number } {
    const start = d * G
    const same = largest(ious, start, G, (g) => categoryOf[g] === category)
    if (same.iou >= backgroundIou && same.iou < iouThreshold) return { error: 'localisation', object: same.at }
    const other = largest(ious, start, G, (g) => categoryOf[g] !== category)
    if (other.iou >= iouThreshold) return { error: 'class', object: other.at }
    if (same.iou >= iouThreshold) return { error: 'duplicate', object: -1 }
    return { error: other.iou < backgroundIou ? 'background' : 'both', object: -1 }
  }
}

function largest(
  ious: Float64Array,
  start: number,
  count: number,
  admits: (column: number) => boolean,
): { iou: number; at: number } {
  let iou = 0
  let at = -1
  for (let g = 0; g < count; g++) {
    const value = ious[start + g] as number
    if (value > iou && admits(g)) {
      iou = value
      at = g
    }
  }
  return { iou, at }
}
