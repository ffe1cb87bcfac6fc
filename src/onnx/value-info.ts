import { unexpected } from '../errors.ts'
import { DATA_TYPES, type Dim, type ValueInfo } from './model.ts'
import { dataTypeOf } from './tensors.ts'
import { type MessageReader, MessageWriter } from './wire.ts'

export function writeValueInfo({ name, dataType, dims }: ValueInfo): MessageWriter {
  const shape = new MessageWriter()
  for (const dim of dims) {
    const dimension = new MessageWriter()
    shape.message(1, typeof dim === 'number' ? dimension.int64(1, dim) : dimension.string(2, dim))
  }
  const tensorType = new MessageWriter().int64(1, DATA_TYPES[dataType]).message(2, shape)
  return new MessageWriter().string(1, name).message(2, new MessageWriter().message(1, tensorType))
}

export function readValueInfo(reader: MessageReader): ValueInfo {
  const { name, code, dims } = readValue(reader)
  const dataType = dataTypeOf(code)
  if (!dataType || !dims) {
    const received = dataType ? 'no shape' : `element type ${code}`
    throw unexpected(`graph input or output "${name}"`, 'a tensor of known type and rank', received, 'GRAPH_INVALID')
  }
  return { name, dataType, dims }
}

/** A ValueInfoProto: its name, and in its type that of a tensor. */
export function readValue(reader: MessageReader): { name: string; code: number; dims: Dim[] | undefined } {
  let name = ''
  let code = 0
  let dims: Dim[] | undefined
  for (const field of reader.fields()) {
    if (field === 1) name = reader.string()
    else if (field === 2) {
      const type = reader.message()
      for (const kind of type.fields()) {
        if (kind !== 1) continue
        const tensorType = type.message()
        for (const part of tensorType.fields()) {
          if (part === 1) code = tensorType.int()
          else if (part === 2) dims = readShape(tensorType.message())
        }
      }
    }
  }
  return { name, code, dims }
}

/** A dimension with neither size nor name becomes the empty name. */
function readShape(reader: MessageReader): Dim[] {
  const dims: Dim[] = []
  for (const field of reader.fields()) {
    if (field !== 1) continue
    const dimension = reader.message()
    let dim: Dim = ''
    for (const part of dimension.fields()) {
      if (part === 1) dim = dimension.int()
      else if (part === 2) dim = dimension.string()
    }
    dims.push(typeof dim === 'number' && dim < 0 ? '' : dim)
  }
  return dims
}
