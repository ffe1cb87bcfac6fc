import { describe } from '../../errors.ts'
import type { MessageReader } from '../../onnx/wire.ts'
import {
  checkByteCount,
  ELEMENT_BYTES,
  type ElementType,
  invalidWeights,
  isCounts,
  MAX_RANK,
  tensorLabel,
} from '../stored-tensor.ts'

/** What a TensorProto says of elements that lie in a file of their own. */
export interface ExternalData {
  readonly name: string
  /** TensorProto.DataType. */
  readonly code: number
  readonly dims: readonly number[]
  readonly location: string
  readonly offset: number
  readonly length: number | undefined
}

/**
 * Reads such a TensorProto.
 * @param readEntry reads one of its key and value pairs
 * @throws VertebraError `WEIGHTS_INVALID` for a place that leaves the folder, or numbers that are none
 */
export function externalData(
  message: MessageReader,
  readEntry: (message: MessageReader) => [key: string, value: string],
): ExternalData {
  const dims: number[] = []
  const entries = new Map<string, string>()
  let [name, code] = ['', 0]
  for (const field of message.fields()) {
    if (field === 1) message.intsInto(dims)
    else if (field === 2) code = message.int()
    else if (field === 8) name = message.string()
    else if (field === 13) entries.set(...readEntry(message.message()))
  }
  const label = tensorLabel(name)
  const location = entries.get('location') ?? ''
  if (!staysInside(location)) {
    throw invalidWeights(`a file beside the ONNX file for the data of ${label} but received ${describe(location)}`)
  }
  if (!isCounts(dims) || dims.length > MAX_RANK) throw invalidWeights(`whole numbers from 0 as the shape of ${label}`)
  const length = entries.get('length')
  return {
    name,
    code,
    dims,
    location,
    offset: bytesIn(label, 'offset', entries.get('offset') ?? '0'),
    length: length === undefined ? undefined : bytesIn(label, 'length', length),
  }
}

/** The elements, as a view into the file that has them. */
export function externalBytes(
  { name, dims, location, offset, length }: ExternalData,
  dtype: ElementType,
  parts: ReadonlyMap<string, Uint8Array>,
): Uint8Array {
  const label = tensorLabel(name)
  const part = parts.get(location)
  if (!part) throw invalidWeights(`the file ${describe(location)} beside the ONNX file, which has the data of ${label}`)
  const size = dims.reduce((product, dim) => product * dim, ELEMENT_BYTES[dtype])
  if (length !== undefined) checkByteCount(label, dtype, dims, length)
  if (!(offset + size <= part.length)) {
    throw invalidWeights(
      `${label} within the ${part.length} bytes of ${describe(location)} but it ends at ${offset + size} (the file may be cut short)`,
    )
  }
  return new Uint8Array(part.buffer, part.byteOffset + offset, size)
}

/** A relative path with slashes, without a drive, without going up. */
function staysInside(location: string): boolean {
  const parts = location.split('/')
  return !/[\\:\0]/.test(location) && parts.every((part) => part !== '' && part !== '.' && part !== '..')
}

function bytesIn(label: string, key: string, digits: string): number {
  const value = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw invalidWeights(`a whole number from 0 as the ${key} of ${label} but received ${describe(digits)}`)
}
