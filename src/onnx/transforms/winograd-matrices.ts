/** A matrix by rows. */
type Matrix = readonly (readonly number[])[]

/**
 * The matrices of F(4, 3): of 4 outputs of a 3-tap filter, `y = OUTPUT ((FILTER g) * (INPUT d))` with `*` by elements, from 6 inputs
 * d. Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks* (2015), equation 14.
 */
const INPUT: Matrix = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
]

/** In integers; each row is to be multiplied by its scale. */
const FILTER: Matrix = [
  [1, 0, 0],
  [-1, -1, -1],
  [-1, 1, -1],
  [1, 2, 4],
  [1, -2, 4],
  [0, 0, 1],
]
const FILTER_SCALES: Matrix = [[1 / 4], [1 / 6], [1 / 6], [1 / 24], [1 / 24], [1]]

/** By columns. */
const OUTPUT: Matrix = [
  [1, 0, 0, 0],
  [1, 1, 1, 1],
  [1, -1, 1, -1],
  [1, 2, 4, 8],
  [1, -2, 4, -8],
  [0, 0, 0, 1],
]

/** The same in two dimensions, as linear maps of what is read row by row. */
export interface WinogradMaps {
  /** Of a tile: [36, 36]. */
  readonly input: Float32Array
  /** Of a filter: [36, 9], int8 by row. */
  readonly filter: Int8Array
  readonly filterScales: Float32Array
  /** Of products, transposed: [36, 16]. */
  readonly output: Float32Array
}

export function winogradMaps(): WinogradMaps {
  return {
    input: Float32Array.from(squared(INPUT)),
    filter: Int8Array.from(squared(FILTER)),
    filterScales: Float32Array.from(squared(FILTER_SCALES)),
    output: Float32Array.from(squared(OUTPUT)),
  }
}

/** The Kronecker product of a matrix with itself. */
function squared(matrix: Matrix): number[] {
  return matrix.flatMap((a) => matrix.flatMap((b) => a.flatMap((left) => b.map((right) => left * right))))
}
