import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { unexpected } from '../errors.ts'
import { DATA_TYPES, type DataType, type Tensor } from './model.ts'
import { dataTypeOf, elementBytes, elementCount } from './tensors.ts'
import { type MessageReader, MessageWriter } from './wire.ts'

/** The TensorProto fields that hold elements: raw bytes, or one of the typed lists. */
const RAW_DATA = 9
const FLOAT_DATA = 4
const INT32_DATA = 5
const INT64_DATA = 7
const DOUBLE_DATA = 10
const EXTERNAL_DATA = 13
const DATA_LOCATION = 14
const EXTERNAL = 1

/** The typed list that an element type uses when it is not stored as raw bytes. */
const TYPED_FIELD: Readonly<Record<DataType, number>> = {
  float32: FLOAT_DATA,
  float64: DOUBLE_DATA,
  int64: INT64_DATA,
  int32: INT32_DATA,
  int8: INT32_DATA,
  uint8: INT32_DATA,
  bool: INT32_DATA,
  float16: INT32_DATA,
  bfloat16: INT32_DATA,
}

/** A TensorProto with its elements as raw bytes. */
export function writeTensor(tensor: Tensor, name: string): MessageWriter {
  const writer = writeHead(tensor, name)
  const size = byteCount(tensor, name)
  return writer.bytesLater(RAW_DATA, size, () => {
    const { bytes } = tensor
    if (bytes.length === size) return bytes
    throw wrongSize(tensor, name, `${bytes.length} bytes`)
  })
}

/** A TensorProto that says where its elements are: in the buffer that they are a view of, which goes by the name `location`. */
export function writePlace(tensor: Tensor, name: string, location: string): MessageWriter {
  checkSize(tensor, name)
  const writer = writeHead(tensor, name)
  const { byteOffset: offset, length } = tensor.bytes
  for (const [key, value] of Object.entries({ location, offset, length })) {
    writer.message(EXTERNAL_DATA, new MessageWriter().string(1, key).string(2, String(value)))
  }
  return writer.int64(DATA_LOCATION, EXTERNAL)
}

function writeHead({ dims, dataType }: Tensor, name: string): MessageWriter {
  const writer = new MessageWriter()
  for (const dim of dims) writer.int64(1, dim)
  return writer.int64(2, DATA_TYPES[dataType]).string(8, name)
}

/** A TensorProto: its name and elements, as a view where the file stores them as they lie in memory. */
export function readTensor(reader: MessageReader): [name: string, tensor: Tensor] {
  const dims: number[] = []
  let code = 0
  let name = ''
  let raw: Uint8Array | undefined
  let isExternal = false
  const lists = new Map<number, Uint8Array[]>()
  for (const field of reader.fields()) {
    if (field === 1) reader.intsInto(dims)
    else if (field === 2) code = reader.int()
    else if (field === 8) name = reader.string()
    else if (field === RAW_DATA) raw = reader.bytes()
    else if (field === EXTERNAL_DATA) isExternal = true
    else if (field === INT32_DATA || field === INT64_DATA) append(lists, field, reader.packed(WireType.Varint))
    else if (field === FLOAT_DATA) append(lists, field, reader.packed(WireType.Bit32))
    else if (field === DOUBLE_DATA) append(lists, field, reader.packed(WireType.Bit64))
  }
  const dataType = dataTypeOf(code)
  const what = `tensor "${name}"`
  if (!dataType) {
    throw unexpected(what, `an element type of ${Object.keys(DATA_TYPES).join(', ')}`, code, 'GRAPH_INVALID')
  }
  if (isExternal) throw unexpected(what, 'elements inside the ONNX file', 'external data', 'GRAPH_INVALID')
  const field = TYPED_FIELD[dataType]
  const list = joined(lists.get(field) ?? [])
  const isVarint = field === INT32_DATA || field === INT64_DATA
  const bytes = raw ?? (isVarint ? unpack(list, dataType, what) : list)
  const tensor: Tensor = { dataType, dims, bytes }
  checkSize(tensor, name)
  return [name, tensor]
}

function append(lists: Map<number, Uint8Array[]>, field: number, bytes: Uint8Array): void {
  const list = lists.get(field)
  if (list) list.push(bytes)
  else lists.set(field, [bytes])
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks
  if (first && chunks.length === 1) return first
  const result = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let position = 0
  for (const chunk of chunks) {
    result.set(chunk, position)
    position += chunk.length
  }
  return result
}

/** Variable-length integers to elements as they lie in memory (16-bit floats are stored as their bits). */
function unpack(packed: Uint8Array, dataType: DataType, what: string): Uint8Array {
  let count = 0
  for (const byte of packed) if (byte < 0x80) count++
  const size = elementBytes(dataType)
  const bytes = new Uint8Array(count * size)
  const view = new DataView(bytes.buffer)
  const reader = new BinaryReader(packed)
  for (let i = 0; i < count; i++) {
    if (dataType === 'int64') view.setBigInt64(i * size, BigInt(reader.int64()), true)
    else if (size === 4) view.setInt32(i * size, reader.int32(), true)
    else if (size === 2) view.setUint16(i * size, reader.int32(), true)
    else view.setUint8(i, reader.int32())
  }
  if (reader.pos !== packed.length) throw unexpected(what, 'whole integers', 'a broken one', 'GRAPH_INVALID')
  return bytes
}

function checkSize(tensor: Tensor, name: string): void {
  if (byteCount(tensor, name) !== tensor.bytes.length) throw wrongSize(tensor, name, `${tensor.bytes.length} bytes`)
}

/** The bytes that the elements need. */
function byteCount(tensor: Tensor, name: string): number {
  const { dims, dataType } = tensor
  const size = elementCount(dims) * elementBytes(dataType)
  if (dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0) && Number.isSafeInteger(size)) return size
  throw wrongSize(tensor, name, 'other dimensions')
}

function wrongSize({ dataType, dims }: Tensor, name: string, received: string): Error {
  return unexpected(
    `tensor "${name}"`,
    `as many bytes as its ${dataType} elements of [${dims.slice(0, 8).join(', ')}] need`,
    received,
    'GRAPH_INVALID',
  )
}
