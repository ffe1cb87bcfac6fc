import { Inflate } from 'fflate'
import { allocate } from '../../allocate.ts'
import { describe, messageOf } from '../../errors.ts'
import { invalidWeights } from '../stored-tensor.ts'
import { ByteCursor } from './byte-cursor.ts'
import { crc32 } from './crc32.ts'

/** The files of a zip by path; each is a view where it is stored, and inflated on asking where it is compressed. */
export type ZipFiles = ReadonlyMap<string, () => Uint8Array>

interface ZipEntry {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  readonly headerAt: number
}

const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
const END_64 = 0x06064b50
const LOCATOR_64 = 0x07064b50
const IN_EXTRA_32 = 0xffffffff
const ENTRY_BYTES = 46
const FLAG_ENCRYPTED = 1
const FLAG_SIZES_FOLLOW = 8
const STORED = 0
const DEFLATED = 8
/** A deflated byte gives at most 1032 bytes; trained numbers shrink by a few per cent. */
const MAX_EXPANSION = 100
const CHUNK = 1 << 16

/**
 * Reads a zip's directory and checks every entry against its own header before anything is opened: names, sizes, methods,
 * that no two lie over each other, and that all of them together do not inflate to more than 100 times the file.
 *
 * @throws VertebraError `WEIGHTS_INVALID` for a zip that is cut short, contradicts itself, or is encrypted
 */
export function readZip(bytes: Uint8Array): ZipFiles {
  const cursor = new ByteCursor(bytes, 'zip file')
  const directory = findDirectory(cursor)
  const entries = readDirectory(cursor, directory)
  const files = new Map<string, () => Uint8Array>()
  let claimed = 0
  let free = 0
  for (const entry of entries.sort((a, b) => a.headerAt - b.headerAt)) {
    const { name, headerAt, compressedSize } = entry
    const dataAt = checkLocalHeader(cursor, entry)
    const end = dataAt + compressedSize
    if (headerAt < free || end > directory.at) {
      throw invalidWeights(`${describe(name)} to lie between its neighbours in the zip file but it overlaps one`)
    }
    free = end
    claimed += entry.size
    if (files.has(name)) throw invalidWeights(`each name once in the zip file but ${describe(name)} is there twice`)
    const data = cursor.bytes.subarray(dataAt, end)
    files.set(
      name,
      once(() => openEntry(entry, data)),
    )
  }
  if (claimed > MAX_EXPANSION * (bytes.length + CHUNK)) {
    throw invalidWeights(
      `a zip file of ${bytes.length} bytes to hold at most ${MAX_EXPANSION} times as much but it claims ${claimed} bytes`,
    )
  }
  return files
}

function findDirectory(cursor: ByteCursor): { at: number; count: number; end: number } {
  const { bytes } = cursor
  const first = Math.max(0, bytes.length - 22 - 0xffff)
  let end = bytes.length - 22
  while (end >= first && !(isSignature(bytes, end, END) && 22 + u16(bytes, end + 20) === bytes.length - end)) end--
  if (end < first)
    throw invalidWeights('a zip file with its directory at the end but there is none (cut short, or damaged)')
  cursor.at = end + 4
  const [disk, directoryDisk, countHere, count16] = [cursor.u16(), cursor.u16(), cursor.u16(), cursor.u16()]
  let [count, size, at] = [count16, cursor.u32(), cursor.u32()]
  if (disk !== directoryDisk || countHere !== count) throw invalidWeights('a zip file in one piece')
  // The 64-bit record counts wherever its locator stands, as PyTorch always writes it.
  if (end >= 20 && isSignature(bytes, end - 20, LOCATOR_64)) {
    cursor.at = end - 12
    const recordAt = cursor.u64()
    cursor.at = recordAt
    if (recordAt > end - 76 || cursor.u32() !== END_64)
      throw invalidWeights('a 64-bit record at the end of the zip file')
    cursor.at = recordAt + 32
    ;[count, size, at] = [cursor.u64(), cursor.u64(), cursor.u64()]
    end = recordAt
  }
  if (at + size > end || count * ENTRY_BYTES > size) {
    throw invalidWeights(`a directory of ${count} files inside the zip file but it would lie at ${at} to ${at + size}`)
  }
  return { at, count, end: at + size }
}

function readDirectory(cursor: ByteCursor, { at, count, end }: { at: number; count: number; end: number }): ZipEntry[] {
  const entries: ZipEntry[] = []
  cursor.at = at
  for (let i = 0; i < count; i++) {
    if (cursor.u32() !== CENTRAL) throw invalidWeights(`entry ${i} in the directory of the zip file`)
    cursor.take(4)
    const [flags, method] = [cursor.u16(), cursor.u16()]
    cursor.take(4)
    const [crc, compressed, uncompressed] = [cursor.u32(), cursor.u32(), cursor.u32()]
    const [nameLength, extraLength, commentLength] = [cursor.u16(), cursor.u16(), cursor.u16()]
    cursor.take(8)
    const header = cursor.u32()
    const name = cursor.utf8(nameLength)
    const extra = new ByteCursor(cursor.take(extraLength), 'zip file')
    cursor.take(commentLength)
    const [size, compressedSize, headerAt] = wideSizes(extra, [uncompressed, compressed, header])
    entries.push({ name, flags, method, crc, size, compressedSize, headerAt })
    checkEntry(entries[i] as ZipEntry)
  }
  if (cursor.at !== end)
    throw invalidWeights(`a directory of ${end - at} bytes in the zip file but it has ${cursor.at - at}`)
  return entries
}

/** Numbers that do not fit their 32 bits are 64 bits in the extra field of id 1, in this order. */
function wideSizes(extra: ByteCursor, sizes: [number, number, number]): [number, number, number] {
  const wide = (size: number): number => (size === IN_EXTRA_32 ? extra.u64() : size)
  while (extra.at + 4 <= extra.bytes.length) {
    const [id, length] = [extra.u16(), extra.u16()]
    if (id === 1) return [wide(sizes[0]), wide(sizes[1]), wide(sizes[2])]
    extra.take(Math.min(length, extra.bytes.length - extra.at))
  }
  return sizes
}

function checkEntry({ name, flags, method, size, compressedSize }: ZipEntry): void {
  const what = `${describe(name)} in the zip file`
  const isPath = name !== '' && !/[\\\0]|^\/|^[a-z]:|(^|\/)\.\.(\/|$)/i.test(name)
  if (!isPath) throw invalidWeights(`relative paths in the zip file but received ${describe(name)}`)
  if (flags & FLAG_ENCRYPTED) throw invalidWeights(`${what} to be readable but it is encrypted`)
  if (method !== STORED && method !== DEFLATED)
    throw invalidWeights(`${what} to be stored or deflated but its method is ${method}`)
  if (method === STORED && size !== compressedSize) {
    throw invalidWeights(`one size for ${what}, which is stored, but received ${compressedSize} and ${size}`)
  }
}

/** Where the data of an entry begins; throws when its own header says something else than the directory. */
function checkLocalHeader(cursor: ByteCursor, entry: ZipEntry): number {
  const what = `${describe(entry.name)} in the zip file`
  cursor.at = Math.min(entry.headerAt, cursor.bytes.length)
  if (cursor.u32() !== LOCAL) throw invalidWeights(`a header at byte ${entry.headerAt} for ${what}`)
  cursor.take(2)
  const [flags, method] = [cursor.u16(), cursor.u16()]
  cursor.take(8)
  const [compressed, uncompressed, nameLength, extraLength] = [cursor.u32(), cursor.u32(), cursor.u16(), cursor.u16()]
  const name = cursor.utf8(nameLength)
  const extra = new ByteCursor(cursor.take(extraLength), 'zip file')
  const [size, compressedSize] = wideSizes(extra, [uncompressed, compressed, 0])
  const isSame = (flags & FLAG_SIZES_FOLLOW) !== 0 || (size === entry.size && compressedSize === entry.compressedSize)
  if (name !== entry.name || method !== entry.method || !isSame) {
    throw invalidWeights(
      `the header of ${what} to say what the directory says but it says ${describe(name)}, ${compressedSize} and ${size} bytes`,
    )
  }
  return cursor.at
}

function openEntry({ name, method, crc, size }: ZipEntry, data: Uint8Array): Uint8Array {
  const content = method === STORED ? data : inflate(name, data, size)
  // PyTorch can be told to save without the sum; it then writes 0.
  if (crc !== 0 && crc32(content) !== crc)
    throw invalidWeights(`${describe(name)} in the zip file as it was written but its checksum is wrong`)
  return content
}

/** Inflates piece by piece, so that data which is more than it claims stops early. */
function inflate(name: string, data: Uint8Array, size: number): Uint8Array {
  const content = allocate(size, `${describe(name)} in the zip file`)
  let filled = 0
  const stream = new Inflate((chunk) => {
    if (filled + chunk.length <= size) content.set(chunk, filled)
    filled += chunk.length
  })
  try {
    for (let at = 0; at < data.length && filled <= size; at += CHUNK) {
      stream.push(data.subarray(at, at + CHUNK), at + CHUNK >= data.length)
    }
  } catch (cause) {
    throw invalidWeights(
      `deflated data for ${describe(name)} in the zip file but it is damaged: ${messageOf(cause)}`,
      cause,
    )
  }
  if (filled === size) return content
  throw invalidWeights(
    `${size} bytes for ${describe(name)} in the zip file but it inflates to ${filled > size ? 'more' : filled}`,
  )
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function isSignature(bytes: Uint8Array, at: number, signature: number): boolean {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0 === signature
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
}
