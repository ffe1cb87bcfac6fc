import {
  ELEMENT_BYTES,
  type ElementType,
  invalidWeights,
  isCounts,
  MAX_RANK,
  type StoredTensor,
} from './stored-tensor.ts'

/** A tensor as PyTorch and NumPy describe one: every `strides[i]`-th element of a storage along axis i. */
export interface StridedLayout {
  readonly dtype: ElementType
  /** In elements of the storage. */
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly isBigEndian?: boolean | undefined
}

/**
 * Makes row-major little-endian tensors of strided ones: a view where the elements already lie so, a copy otherwise
 * (transposed kernels, PyTorch's channels_last). All copies of one file together are bounded, since a few bytes of a file can
 * describe any number of views of one storage.
 *
 * @param maxCopiedBytes what the copies may take.
 */
export function stridedReader(
  maxCopiedBytes: number,
): (label: string, storage: Uint8Array, layout: StridedLayout) => StoredTensor {
  let left = maxCopiedBytes
  return (label, storage, layout) => {
    const { dtype, offset, shape, strides, isBigEndian } = layout
    const size = ELEMENT_BYTES[dtype]
    const count = checkLayout(label, layout, storage.length / size)
    if (count === 0 || (isRowMajor(shape, strides) && !isBigEndian)) {
      return { dtype, shape, bytes: storage.subarray(offset * size, (offset + count) * size) }
    }
    left -= count * size
    if (left < 0)
      throw invalidWeights(`at most ${maxCopiedBytes} bytes of tensors that overlap, are transposed or big-endian`)
    return { dtype, shape, bytes: gather(storage, layout, count, size) }
  }
}

/** Strides of a tensor whose first index (`column-major`, Fortran) or last index (`row-major`) runs fastest. */
export function contiguousStrides(shape: readonly number[], order: 'row-major' | 'column-major'): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let i = 0; i < shape.length; i++) {
    const axis = order === 'row-major' ? shape.length - 1 - i : i
    strides[axis] = stride
    stride *= shape[axis] as number
  }
  return strides
}

/** The number of elements; throws unless all of them lie in the storage and none more often than it has elements. */
function checkLayout(label: string, { offset, shape, strides }: StridedLayout, stored: number): number {
  const isValid = isCounts([offset]) && isCounts(shape) && isCounts(strides) && shape.length === strides.length
  if (!isValid || shape.length > MAX_RANK) {
    throw invalidWeights(
      `${label} to have an offset, a shape and strides of whole numbers from 0, one stride per dimension`,
    )
  }
  // Sizes beyond 2^53 times 0 may be NaN.
  if (shape.includes(0)) return 0
  const count = shape.reduce((product, dim) => product * dim, 1)
  const last = shape.reduce((index, dim, axis) => index + (dim - 1) * (strides[axis] as number), offset)
  if (last >= stored || count > stored) {
    throw invalidWeights(
      `${label} of shape [${shape}], strides [${strides}] and offset ${offset} to lie in its storage of ${stored} elements`,
    )
  }
  return count
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  const expected = contiguousStrides(shape, 'row-major')
  return shape.every((dim, axis) => dim === 1 || strides[axis] === expected[axis])
}

function gather(
  storage: Uint8Array,
  { offset, shape, strides, isBigEndian }: StridedLayout,
  count: number,
  size: number,
): Uint8Array {
  const bytes = new Uint8Array(count * size)
  const index = new Array<number>(shape.length).fill(0)
  let from = offset * size
  for (let to = 0; to < bytes.length; ) {
    for (let i = 0; i < size; i++) bytes[to++] = storage[from + (isBigEndian ? size - 1 - i : i)] as number
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = (strides[axis] as number) * size
      const next = (index[axis] as number) + 1
      from += stride
      index[axis] = next
      if (next < (shape[axis] as number)) break
      from -= next * stride
      index[axis] = 0
    }
  }
  return bytes
}
