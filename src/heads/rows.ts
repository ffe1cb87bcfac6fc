/** Of an array of `count` rows those at `rows`, in that order. */
export function takeRows(from: Float32Array, rows: ArrayLike<number>, count: number): Float32Array {
  const columns = count === 0 ? 0 : from.length / count
  const to = new Float32Array(rows.length * columns)
  for (let at = 0; at < rows.length; at++) {
    const start = (rows[at] as number) * columns
    to.set(from.subarray(start, start + columns), at * columns)
  }
  return to
}

/** Writes the rows of `from` over those of `to` that `rows` names. */
export function putRows(from: Float32Array, to: Float32Array, rows: ArrayLike<number>): void {
  const columns = from.length / rows.length
  for (let at = 0; at < rows.length; at++) {
    to.set(from.subarray(at * columns, (at + 1) * columns), (rows[at] as number) * columns)
  }
}
