/** The index of the largest of `count` numbers from `start` on, the first of equal ones; NaN is passed over. */
export function likeliest(values: Float32Array, start: number, count: number): number {
  let best = 0
  let most = Number.NEGATIVE_INFINITY
  for (let k = 0; k < count; k++) {
    const value = values[start + k] as number
    if (!(value > most)) continue
    most = value
    best = k
  }
  return best
}
