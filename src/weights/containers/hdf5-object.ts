import { type ElementType, invalidWeights } from '../stored-tensor.ts'
import { ByteCursor } from './byte-cursor.ts'

// HDF5 File Format Specification 3.0, section IV.A.1.a (object header) and IV.A.2 (messages).

/** What an object's header says of it, as far as tensors and old-style groups go. */
export interface Hdf5Object {
  dtype?: ElementType
  shape?: readonly number[]
  data?: { readonly address: number; readonly size: number }
  /** Of a group: where its names are. */
  symbols?: { readonly tree: number; readonly heap: number }
}

/** How messages call the file. */
export const HDF5_FILE = 'HDF5 file'

const MESSAGES = {
  dataspace: 1,
  linkInfo: 2,
  datatype: 3,
  link: 6,
  layout: 8,
  continuation: 16,
  symbolTable: 17,
} as const
const MOST_BLOCKS = 64
const MOST_DIMENSIONS = 32

/**
 * @param at a cursor at another address
 * @param label how a message names the object
 * @param count is called for each message, and may refuse
 */
export function readObject(
  header: ByteCursor,
  at: (address: number) => ByteCursor,
  label: string,
  count: () => void,
): Hdf5Object {
  const version = header.u8()
  if (version !== 1)
    throw invalidWeights(`${label} of the HDF5 file in the old form (header version 1) but received ${version}`)
  header.take(1)
  let left = header.u16()
  header.take(4)
  const size = header.u32()
  header.take(4)
  const blocks = [new ByteCursor(header.take(size), HDF5_FILE)]
  const object: Hdf5Object = {}
  for (let i = 0; i < blocks.length; i++) {
    if (i >= MOST_BLOCKS) throw invalidWeights(`at most ${MOST_BLOCKS} blocks of ${label} in the HDF5 file`)
    const block = blocks[i] as ByteCursor
    for (; left > 0 && block.bytes.length - block.at >= 8; left--) {
      count()
      const [type, length] = [block.u16(), block.u16()]
      block.take(4)
      const message = new ByteCursor(block.take(length), HDF5_FILE)
      if (type === MESSAGES.continuation) {
        const address = message.u64()
        blocks.push(new ByteCursor(at(address).take(message.u64()), HDF5_FILE))
      } else readMessage(type, message, object, label)
    }
  }
  return object
}

function readMessage(type: number, message: ByteCursor, object: Hdf5Object, label: string): void {
  if (type === MESSAGES.dataspace) object.shape = readDataspace(message, label)
  else if (type === MESSAGES.datatype) object.dtype = readDatatype(message, label)
  else if (type === MESSAGES.layout) object.data = readLayout(message, label)
  else if (type === MESSAGES.symbolTable) object.symbols = { tree: message.u64(), heap: message.u64() }
  else if (type === MESSAGES.linkInfo || type === MESSAGES.link) {
    throw invalidWeights(
      `groups of the old form in the HDF5 file but ${label} is of the new (written with libver latest)`,
    )
  }
}

function readDataspace(message: ByteCursor, label: string): number[] {
  const [version, rank] = [message.u8(), message.u8()]
  if (version !== 1 && version !== 2) throw invalidWeights(`a known dataspace of ${label} in the HDF5 file`)
  if (rank > MOST_DIMENSIONS) throw invalidWeights(`at most ${MOST_DIMENSIONS} dimensions of ${label} in the HDF5 file`)
  message.take(version === 1 ? 6 : 2)
  return Array.from({ length: rank }, () => message.u64())
}

const FLOATS: Readonly<Record<string, ElementType>> = { '8 11': 'F64', '4 8': 'F32', '2 5': 'F16', '2 8': 'BF16' }
const INTEGERS: Readonly<Record<string, ElementType>> = {
  '8 signed': 'I64',
  '4 signed': 'I32',
  '2 signed': 'I16',
  '1 signed': 'I8',
  '1 unsigned': 'U8',
}

function readDatatype(message: ByteCursor, label: string): ElementType {
  const kind = message.u8() & 15
  const bits = message.u8()
  message.take(2)
  const size = message.u32()
  if (kind !== 0 && kind !== 1) throw invalidWeights(`numbers in ${label} of the HDF5 file but it holds something else`)
  if (bits & 1) throw invalidWeights(`little-endian numbers in ${label} of the HDF5 file`)
  let found: ElementType | undefined
  if (kind === 0) found = INTEGERS[`${size} ${bits & 8 ? 'signed' : 'unsigned'}`]
  else {
    message.take(5)
    found = FLOATS[`${size} ${message.u8()}`]
  }
  if (found) return found
  throw invalidWeights(`floats of 2, 4 or 8 bytes or integers in ${label} of the HDF5 file but received ${size} bytes`)
}

function readLayout(message: ByteCursor, label: string): { address: number; size: number } {
  const [version, kind] = [message.u8(), message.u8()]
  if (version === 3 && kind === 1) return { address: message.u64(), size: message.u64() }
  const form = version === 3 && kind === 2 ? 'in chunks, perhaps compressed' : `in another form (${version}, ${kind})`
  throw invalidWeights(`contiguous numbers in ${label} of the HDF5 file but they are stored ${form}`)
}
