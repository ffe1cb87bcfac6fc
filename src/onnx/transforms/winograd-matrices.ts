/** A matrix by rows. */
type Matrix = readonly (readonly number[])[]

/** Outputs of one side of a tile. */
export type WinogradTile = 2 | 4

/**
 * The matrices of F(m, 3): of m outputs of a 3-tap filter `y = output ((filter g) * (input d))`, with `*` by elements, from
 * m + 2 inputs d. Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks* (2015), equations 10 and 14.
 */
interface WinogradMatrices {
  readonly input: Matrix
  /** In integers; each row is to be multiplied by its scale. */
  readonly filter: Matrix
  readonly filterScales: readonly number[]
  readonly output: Matrix
}

const MATRICES: Readonly<Record<WinogradTile, WinogradMatrices>> = {
  2: {
    input: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    filter: [
      [1, 0, 0],
      [1, 1, 1],
      [1, -1, 1],
      [0, 0, 1],
    ],
    filterScales: [1, 1 / 2, 1 / 2, 1],
    output: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    input: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    filter: [
      [1, 0, 0],
      [-1, -1, -1],
      [-1, 1, -1],
      [1, 2, 4],
      [1, -2, 4],
      [0, 0, 1],
    ],
    filterScales: [1 / 4, 1 / 6, 1 / 6, 1 / 24, 1 / 24, 1],
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
}

/** The same in two dimensions, as linear maps of what is read row by row. */
export interface WinogradMaps {
  /** Of a tile: [(m + 2)^2, (m + 2)^2]. */
  readonly input: Float32Array
  /** Of a filter: [(m + 2)^2, 9], int8 by row. */
  readonly filter: Int8Array
  readonly filterScales: Float32Array
  /** Of products, transposed: [(m + 2)^2, m^2]. */
  readonly output: Float32Array
}

export function winogradMaps(tile: WinogradTile): WinogradMaps {
  const { input, filter, filterScales, output } = MATRICES[tile]
  return {
    input: Float32Array.from(squared(input)),
    filter: Int8Array.from(squared(filter)),
    filterScales: Float32Array.from(squared(filterScales.map((scale) => [scale]))),
    output: Float32Array.from(squared(transposed(output))),
  }
}

/** The Kronecker product of a matrix with itself. */
function squared(matrix: Matrix): number[] {
  return matrix.flatMap((a) => matrix.flatMap((b) => a.flatMap((left) => b.map((right) => left * right))))
}

function transposed(matrix: Matrix): Matrix {
  return (matrix[0] ?? []).map((_, column) => matrix.map((row) => row[column] ?? 0))
}
