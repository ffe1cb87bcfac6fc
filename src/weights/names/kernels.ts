/**
 * A kernel as TensorFlow stores it, height x width x inputs x outputs, as outputs x inputs x height x width.
 *
 * @param cells height x width
 * @param isTurned whether the inputs come in the other order: blue, green, red
 */
export function kernelOutputsFirst(
  stored: Float32Array,
  outputs: number,
  inputs: number,
  cells: number,
  isTurned = false,
): Float32Array {
  const result = new Float32Array(stored.length)
  for (let cell = 0, from = 0; cell < cells; cell++) {
    for (let i = 0; i < inputs; i++) {
      const input = isTurned ? inputs - 1 - i : i
      for (let o = 0; o < outputs; o++) result[(o * inputs + input) * cells + cell] = stored[from++] as number
    }
  }
  return result
}

/** The shape that such a kernel, or that of a fully connected layer, then has. */
export function shapeOutputsFirst(stored: readonly number[] | undefined): readonly number[] | undefined {
  if (stored?.length === 4) return [3, 2, 0, 1].map((axis) => stored[axis] ?? 0)
  return stored?.length === 2 ? stored.toReversed() : stored
}
