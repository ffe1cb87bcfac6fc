import { zipSync } from 'fflate'

/** A float32 array with its dimensions. */
export interface NpyArray {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0)
const HEADER_MULTIPLE = 64

/**
 * One array in NumPy's `.npy` form, version 1.0: little-endian float32 in row-major order.
 *
 * @example
 * await writeFile('c5.npy', writeNpy({ dims: [2048, 12, 15], data }))    // numpy.load('c5.npy').shape == (2048, 12, 15)
 */
export function writeNpy({ dims, data }: NpyArray): Uint8Array {
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(', ')
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`
  const unpadded = MAGIC.length + 2 + text.length + 1
  const header = `${text}${' '.repeat(Math.ceil(unpadded / HEADER_MULTIPLE) * HEADER_MULTIPLE - unpadded)}\n`
  const start = MAGIC.length + 2 + header.length
  const bytes = new Uint8Array(start + data.byteLength)
  bytes.set(MAGIC)
  new DataView(bytes.buffer).setUint16(MAGIC.length, header.length, true)
  bytes.set(new TextEncoder().encode(header), MAGIC.length + 2)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start)
  return bytes
}

/** Named arrays in NumPy's `.npz` form, as `numpy.savez` writes it: a zip of stored `.npy` files. */
export function writeNpz(arrays: Readonly<Record<string, NpyArray>>): Uint8Array {
  const files = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, writeNpy(array)]))
  // A fixed date, so that the same arrays give the same bytes.
  return zipSync(files, { level: 0, mtime: '1980-01-01T00:00:00' })
}
