import { describe } from '../../errors.ts'
import { checkByteCount, invalidWeights, type StoredTensor, tensorLabel, type WeightFile } from '../stored-tensor.ts'
import { contiguousStrides, stridedReader } from '../strided.ts'
import { ByteCursor } from './byte-cursor.ts'
import { numpyType } from './numpy-dtype.ts'
import type { ZipFiles } from './zip.ts'

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)
const MAX_HEADER_BYTES = 1 << 16

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte)
}

/**
 * Reads one array in NumPy's `.npy` form, versions 1 to 3. Row-major little-endian elements are a view.
 *
 * @param name how messages name the array.
 * @throws VertebraError `WEIGHTS_INVALID` also for arrays of Python objects, which are pickles.
 */
export function readNpy(bytes: Uint8Array, name: string): StoredTensor {
  const label = tensorLabel(name)
  const cursor = new ByteCursor(bytes, `.npy of ${label}`)
  if (!isNpy(cursor.take(Math.min(MAGIC.length, bytes.length)))) throw invalidWeights(`a .npy file for ${label}`)
  const version = cursor.u16() & 255
  if (version < 1 || version > 3) throw invalidWeights(`.npy version 1 to 3 for ${label} but received ${version}`)
  const length = version === 1 ? cursor.u16() : cursor.u32()
  if (length > MAX_HEADER_BYTES) throw invalidWeights(`a .npy header of at most ${MAX_HEADER_BYTES} bytes for ${label}`)
  const header = cursor.latin1(length)
  const [, descr = '', order, dims] =
    /^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(((?:\d+L?, ?)*(?:\d+L?)?)\),? *\}\s*$/.exec(
      header,
    ) ?? []
  if (dims === undefined)
    throw invalidWeights(`a .npy header of plain numbers for ${label} but received ${describe(header)}`)
  const { dtype, isBigEndian } = numpyType(descr)
  const shape = dims
    .split(',')
    .map((dim) => Number.parseInt(dim, 10))
    .filter((dim) => !Number.isNaN(dim))
  const elements = cursor.bytes.subarray(cursor.at)
  checkByteCount(label, dtype, shape, elements.length)
  return stridedReader(elements.length)(label, elements, {
    dtype,
    offset: 0,
    shape,
    isBigEndian,
    strides: contiguousStrides(shape, order === 'True' ? 'column-major' : 'row-major'),
  })
}

/** True for a zip of `.npy` files alone. */
export function isNpz(files: ZipFiles): boolean {
  return files.size > 0 && [...files.keys()].every((name) => name.endsWith('.npy'))
}

/** Reads the arrays of an `.npz`: each is called as its file without `.npy`, slashes included. */
export function readNpz(files: ZipFiles): WeightFile {
  const arrays = [...files].map(([path, open]): [string, StoredTensor] => {
    const name = path.slice(0, -'.npy'.length)
    return [name, readNpy(open(), name)]
  })
  return { container: '.npz file', tensors: new Map(arrays), metadata: {} }
}
