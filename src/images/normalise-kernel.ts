import { openKernel, reserve, type WasmKernel } from '../wasm-kernel.ts'
import { NORMALISE_WASM } from './normalise-wasm.ts'

/** What `normalise.wat` exports: addresses and lengths are in bytes of its memory. */
interface NormaliseKernel extends WasmKernel {
  lookUp(to: number, plane: number, from: number, end: number, table: number): void
  scale(to: number, plane: number, from: number, end: number, means: number): void
}

/** How one channel of a photo becomes numbers: `(level - mean) / std`. */
export interface ChannelScale {
  readonly mean: number
  readonly std: number
}

const LEVELS = 256
const STD = 16
const TABLES = 32
const ROWS = TABLES + 3 * LEVELS * 4

let kernel: NormaliseKernel | undefined

/**
 * Makes rows of RGB triples into three rows of normalised numbers, for rows of `width` pixels.
 * @returns a function whose results, red, green and blue, are valid until its next call or the next `rowNormaliser`.
 */
export function rowNormaliser(
  width: number,
  channels: readonly [red: ChannelScale, green: ChannelScale, blue: ChannelScale],
): (row: Uint8Array | Uint8ClampedArray | Float32Array) => readonly Float32Array[] {
  kernel ??= openKernel<NormaliseKernel>(NORMALISE_WASM)
  // Vectors read one number past the end of a row.
  const planes = ROWS + 4 * (3 * width + 1)
  reserve(kernel, planes + 12 * width)
  const { memory, lookUp, scale } = kernel
  for (const [c, { mean, std }] of channels.entries()) {
    new Float32Array(memory.buffer, 4 * c, 1)[0] = mean
    new Float32Array(memory.buffer, STD + 4 * c, 1)[0] = std
    const table = new Float32Array(memory.buffer, TABLES + 4 * LEVELS * c, LEVELS)
    for (let level = 0; level < LEVELS; level++) table[level] = (level - mean) / std
  }
  const bytes = new Uint8Array(memory.buffer, ROWS, 3 * width)
  const floats = new Float32Array(memory.buffer, ROWS, 3 * width)
  const results = [0, 1, 2].map((c) => new Float32Array(memory.buffer, planes + 4 * width * c, width))
  return (row) => {
    if (row instanceof Float32Array) {
      floats.set(row)
      scale(planes, 4 * width, ROWS, ROWS + 12 * width, 0)
    } else {
      bytes.set(row)
      lookUp(planes, 4 * width, ROWS, ROWS + 3 * width, TABLES)
    }
    return results
  }
}
