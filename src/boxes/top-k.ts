import { unexpected } from '../errors.ts'

/**
 * How a list lies in memory as planes, one per anchor (the NCHW output of an RPN): item i of the list is cell
 * `floor(i / planes)` of plane `i % planes`, at `offset + plane * cells + cell`.
 */
export interface PlaneLayout {
  readonly offset: number
  readonly planes: number
  readonly cells: number
}

/**
 * The indices of the `k` largest values, largest first; of equal values the lower index comes first. NaN is left out
 * (so fewer than `k` may come back); infinities rank as numbers do.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for anything but a `Float32Array`.
 *
 * A histogram of the values' upper 16 bits finds the cut, so that only about `k` of a long list are copied and sorted.
 *
 * @param layout where the values lie; the whole array in its own order by default.
 *
 * @example
 * topK(Float32Array.of(1, 5, 3, 5), 3) // Uint32Array [1, 3, 2]
 */
export function topK(
  values: Float32Array,
  k: number,
  { offset, planes, cells }: PlaneLayout = { offset: 0, planes: 1, cells: values.length },
): Uint32Array {
  requireFloats('values', values)
  const total = planes * cells
  if (!(k > 0 && total > 0)) return new Uint32Array(0)
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length)
  const cut = k < total ? findCut(bits, k, offset, total) : { bucket: BUCKETS - 1, count: total }

  // One 64-bit key each, since sorting numbers without a comparison function is many times as fast. Little-endian, like
  // every JavaScript host: the low word is the index, the high word falls as the value rises.
  const words = new Uint32Array(cut.count * 2)
  let count = 0
  for (let cell = 0, index = 0; cell < cells; cell++) {
    for (let at = offset + cell, plane = 0; plane < planes; plane++, at += cells, index++) {
      const key = descendingKey(bits[at] as number)
      if (key >>> 16 > cut.bucket || key >= FIRST_NAN) continue
      words[2 * count] = index
      words[2 * count++ + 1] = key
    }
  }
  new BigUint64Array(words.buffer, 0, count).sort()
  const indices = new Uint32Array(Math.min(k, count))
  for (let i = 0; i < indices.length; i++) indices[i] = words[2 * i] as number
  return indices
}

/** Other numbers would be taken for other bits, or rounded otherwise. */
export function requireFloats(name: string, values: Float32Array): void {
  if (!(values instanceof Float32Array)) throw unexpected(name, 'a Float32Array', values)
}

const BUCKETS = 1 << 16

/** Keys from here on are NaN; the one before it is -Infinity. */
const FIRST_NAN = 0xff800001

/** Float32 bits as an unsigned number that falls as the value rises; 0 and -0 are the same, NaN comes after all. */
function descendingKey(bits: number): number {
  if (bits >= 0) return bits > 0x7f800000 ? 0xffffffff : 0x7fffffff - bits
  return bits === -0x80000000 ? 0x7fffffff : bits >>> 0
}

/** The bucket that the k-th key falls in, and how many keys are in it and before it. */
function findCut(bits: Int32Array, k: number, offset: number, total: number): { bucket: number; count: number } {
  const histogram = new Uint32Array(BUCKETS)
  for (let i = offset; i < offset + total; i++) {
    const bucket = descendingKey(bits[i] as number) >>> 16
    histogram[bucket] = (histogram[bucket] as number) + 1
  }
  let bucket = 0
  let count = histogram[0] as number
  while (count < k) count += histogram[++bucket] as number
  return { bucket, count }
}
