import { halfToNumber } from '../onnx/half.ts'
import type { StoredTensor } from './stored-tensor.ts'

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/**
 * The elements as float32: a view into the file for aligned F32, a new array otherwise. F64 and I64 are rounded to the
 * nearest float32; what does not fit becomes an infinity, which readers refuse.
 */
export function toFloat32({ dtype, bytes }: StoredTensor): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (dtype) {
    case 'F32':
      if (LITTLE_ENDIAN && bytes.byteOffset % 4 === 0) {
        return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
      }
      // Not slice(): a Node Buffer's gives a view.
      if (LITTLE_ENDIAN) return new Float32Array(new Uint8Array(bytes).buffer)
      return fill(bytes.length / 4, (i) => view.getFloat32(i * 4, true))
    case 'F64':
      return fill(bytes.length / 8, (i) => view.getFloat64(i * 8, true))
    case 'I64':
      return fill(bytes.length / 8, (i) => Number(view.getBigInt64(i * 8, true)))
    case 'I32':
      return fill(bytes.length / 4, (i) => view.getInt32(i * 4, true))
    case 'I16':
      return fill(bytes.length / 2, (i) => view.getInt16(i * 2, true))
    case 'F16':
      return fill(bytes.length / 2, (i) => halfToNumber(view.getUint16(i * 2, true)))
    case 'BF16':
      return fromBfloat16(view)
    case 'I8':
      return new Float32Array(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    case 'U8':
    case 'BOOL':
      return new Float32Array(bytes)
  }
}

function fill(length: number, element: (i: number) => number): Float32Array {
  const result = new Float32Array(length)
  for (let i = 0; i < length; i++) result[i] = element(i)
  return result
}

/** bfloat16 is the upper half of a float32. */
function fromBfloat16(view: DataView): Float32Array {
  const words = new Uint32Array(view.byteLength / 2)
  for (let i = 0; i < words.length; i++) words[i] = view.getUint16(i * 2, true) << 16
  return new Float32Array(words.buffer)
}
