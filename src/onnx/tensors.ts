import { unexpected } from '../errors.ts'
import { DATA_TYPES, type DataType, type Tensor } from './model.ts'

const ELEMENT_BYTES: Readonly<Record<DataType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  bfloat16: 2,
}

const DATA_TYPE_NAMES: ReadonlyMap<number, DataType> = new Map(
  Object.entries(DATA_TYPES).map(([name, code]) => [code, name as DataType]),
)

/** Bytes of one element. */
export function elementBytes(dataType: DataType): number {
  return ELEMENT_BYTES[dataType]
}

/** The name of a TensorProto.DataType number, or undefined for one this library does not read. */
export function dataTypeOf(code: number): DataType | undefined {
  return DATA_TYPE_NAMES.get(code)
}

/** The number of elements of a tensor of these dimensions: their product, 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  let count = 1
  for (const dim of dims) count *= dim
  return count
}

/** Typed arrays that can be made a tensor without a conversion. */
export type TensorData = Float32Array | Float64Array | Int8Array | Uint8Array | Int32Array | BigInt64Array

/**
 * A tensor over the memory of a typed array (no copy): row-major, `data.length` = the product of `dims`.
 *
 * @param dims default: one dimension of `data.length`
 * @throws VertebraError `GRAPH_INVALID` when the length and the dimensions disagree
 * @example
 * const weight = tensorFrom(new Float32Array(64 * 3 * 7 * 7), [64, 3, 7, 7])
 */
export function tensorFrom(data: TensorData, dims: readonly number[] = [data.length]): Tensor {
  if (elementCount(dims) !== data.length || dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0)) {
    throw unexpected('a tensor', `${data.length} elements in dimensions that multiply to it`, dims, 'GRAPH_INVALID')
  }
  return {
    dataType: dataTypeOfArray(data),
    dims: [...dims],
    bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  }
}

function dataTypeOfArray(data: TensorData): DataType {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof Int8Array) return 'int8'
  if (data instanceof Uint8Array) return 'uint8'
  if (data instanceof Int32Array) return 'int32'
  return 'int64'
}

/**
 * A one-dimensional int64 tensor: what ONNX wants for shapes, axes and indices.
 *
 * @throws RangeError for a number that is not whole
 * @example
 * const shape = int64Tensor([1, -1])   // dims [2]
 */
export function int64Tensor(values: readonly number[]): Tensor {
  return tensorFrom(BigInt64Array.from(values, BigInt))
}

/**
 * The elements of a float32 tensor: a view where the bytes are aligned to 4, else a copy.
 *
 * @throws VertebraError `GRAPH_INVALID` when the tensor is of another type
 * @example
 * const values = float32Of(tensorFrom(Float32Array.of(0.5, 2)))   // Float32Array [0.5, 2]
 */
export function float32Of(tensor: Tensor, name = 'a tensor'): Float32Array {
  if (tensor.dataType !== 'float32') throw unexpected(name, 'type float32', tensor.dataType, 'GRAPH_INVALID')
  // Not slice(): a Node Buffer's gives a view.
  const bytes = tensor.bytes.byteOffset % 4 === 0 ? tensor.bytes : new Uint8Array(tensor.bytes)
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}

/**
 * The elements of an int8 tensor, as a view.
 *
 * @param name how a message calls the tensor
 * @throws VertebraError `GRAPH_INVALID` when the tensor is of another type
 * @example
 * const values = int8Of(tensorFrom(Int8Array.of(-1, 2)))   // Int8Array [-1, 2]
 */
export function int8Of(tensor: Tensor, name = 'a tensor'): Int8Array {
  if (tensor.dataType !== 'int8') throw unexpected(name, 'type int8', tensor.dataType, 'GRAPH_INVALID')
  return new Int8Array(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength)
}

/** The elements of a small integer tensor (a shape, axes, sizes) as numbers, or undefined for another type. */
export function integersOf(tensor: Tensor): number[] | undefined {
  const { dataType, bytes } = tensor
  if (dataType !== 'int64' && dataType !== 'int32') return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = elementBytes(dataType)
  return Array.from({ length: bytes.byteLength / size }, (_, i) =>
    dataType === 'int64' ? Number(view.getBigInt64(i * size, true)) : view.getInt32(i * size, true),
  )
}
