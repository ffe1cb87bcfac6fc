import { describe } from '../../errors.ts'
import { ELEMENT_BYTES, invalidWeights, LONGEST_NAME, type StoredTensor, type WeightFile } from '../stored-tensor.ts'
import { ByteCursor } from './byte-cursor.ts'
import { HDF5_FILE, type Hdf5Object, readObject } from './hdf5-object.ts'

// The HDF Group: HDF5 File Format Specification 3.0, sections II.A (superblock), III.A.1, III.B, III.D (old-style groups).

export const HDF5_SIGNATURE = '\x89HDF\r\n\x1a\n'

/** Groups, names and tensors of one file, and what their headers say of them; a network has thousands. */
const MOST_ITEMS = 200_000
const DEEPEST = 32
/** Characters of all paths, as multiples of the file and beyond that: names may overlap, and every tensor repeats the groups above it. */
const PATHS_TIMES = 4
const PATHS_FLOOR = 1 << 20
const BTREE_HEADER = 24
const SYMBOL_BYTES = 40

/**
 * Reads the datasets of an HDF5 file as Keras and h5py write it by default: groups of symbol tables, contiguous little-endian
 * tensors, as views, under their paths. Chunked or compressed datasets and the newer kinds of groups are refused by name.
 *
 * @throws VertebraError `WEIGHTS_INVALID`
 */
export function readHdf5(bytes: Uint8Array): WeightFile {
  const file = new Hdf5Reader(bytes)
  const tensors = new Map<string, StoredTensor>()
  file.walk(rootAddress(file), '', tensors, 0)
  return { container: HDF5_FILE, tensors, metadata: {} }
}

class Hdf5Reader {
  readonly #bytes: Uint8Array
  readonly #groups = new Set<number>()
  /** What was read at each address: two names may stand for one tensor. */
  readonly #objects = new Map<number, Hdf5Object>()
  #items = 0
  #charactersLeft: number

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#charactersLeft = PATHS_TIMES * bytes.length + PATHS_FLOOR
  }

  at(address: number): ByteCursor {
    return new ByteCursor(this.#bytes, HDF5_FILE, Math.min(address, this.#bytes.length))
  }

  /** An object's tensor, or those of a group below it. */
  walk(address: number, path: string, tensors: Map<string, StoredTensor>, depth: number): void {
    this.#count()
    if (path.length > LONGEST_NAME) throw invalidWeights(`names of 1 to ${LONGEST_NAME} bytes in the HDF5 file`)
    this.#charactersLeft -= path.length
    if (this.#charactersLeft < 0) throw invalidWeights('an HDF5 file whose names are little longer than it is')
    if (depth > DEEPEST) throw invalidWeights(`groups of at most ${DEEPEST} levels in an HDF5 file`)
    const object = this.#object(address, path)
    if (object.symbols) {
      // A group inside itself would never end.
      if (this.#groups.has(address))
        throw invalidWeights(`each group once in the HDF5 file but ${describe(path)} again`)
      this.#groups.add(address)
      const { tree, heap } = object.symbols
      for (const [name, child] of this.#children(tree, this.#heapData(heap), 0)) {
        this.walk(child, path === '' ? name : `${path}/${name}`, tensors, depth + 1)
      }
    } else if (tensors.has(path)) throw invalidWeights(`one ${describe(path)} in the HDF5 file but it has several`)
    else tensors.set(path, this.#tensor(path, object))
  }

  #count(): void {
    if (++this.#items > MOST_ITEMS) throw invalidWeights(`at most ${MOST_ITEMS} things in an HDF5 file`)
  }

  #object(address: number, path: string): Hdf5Object {
    const known = this.#objects.get(address)
    if (known) return known
    const at = (start: number): ByteCursor => this.at(start)
    const object = readObject(this.at(address), at, describe(path || '/'), () => this.#count())
    this.#objects.set(address, object)
    return object
  }

  #tensor(path: string, { dtype, shape, data }: Hdf5Object): StoredTensor {
    if (!dtype || !shape || !data)
      throw invalidWeights(`a group or a tensor of numbers for ${describe(path)} of the HDF5 file`)
    const size = shape.reduce((product, dim) => product * dim, ELEMENT_BYTES[dtype])
    if (data.size !== size)
      throw invalidWeights(`${size} bytes for ${describe(path)} but the HDF5 file has ${data.size}`)
    return { dtype, shape, bytes: size === 0 ? new Uint8Array(0) : this.at(data.address).take(size) }
  }

  #heapData(address: number): number {
    const cursor = this.at(address)
    requireSignature(cursor, 'HEAP')
    cursor.take(20)
    return cursor.u64()
  }

  /** The names and addresses of a group, from its B-tree. */
  *#children(address: number, names: number, depth: number): Generator<[name: string, address: number]> {
    if (depth > DEEPEST) throw invalidWeights(`a tree of at most ${DEEPEST} levels in an HDF5 file`)
    const cursor = this.at(address)
    requireSignature(cursor, 'TREE')
    const [type, level, count] = [cursor.u8(), cursor.u8(), cursor.u16()]
    if (type !== 0) throw invalidWeights(`a tree of names in the HDF5 file but its kind is ${type}`)
    for (let i = 0; i < count; i++) {
      this.#count()
      const child = this.at(address + BTREE_HEADER + 8 + i * 16).u64()
      if (level > 0) yield* this.#children(child, names, depth + 1)
      else yield* this.#symbols(child, names)
    }
  }

  *#symbols(address: number, names: number): Generator<[name: string, address: number]> {
    const cursor = this.at(address)
    requireSignature(cursor, 'SNOD')
    cursor.take(2)
    const count = cursor.u16()
    for (let i = 0; i < count; i++) {
      const entry = new ByteCursor(cursor.take(SYMBOL_BYTES), HDF5_FILE)
      const [name, child] = [this.#name(names + entry.u64()), entry.u64()]
      if (entry.u32() === 2) throw invalidWeights(`no soft links in the HDF5 file but ${describe(name)} is one`)
      yield [name, child]
    }
  }

  /** Up to the next zero. */
  #name(address: number): string {
    const name = this.#bytes.subarray(address, address + LONGEST_NAME)
    const end = name.indexOf(0)
    if (end < 1) throw invalidWeights(`names of 1 to ${LONGEST_NAME} bytes in the HDF5 file`)
    return new TextDecoder().decode(name.subarray(0, end))
  }
}

function rootAddress(file: Hdf5Reader): number {
  const cursor = file.at(0)
  cursor.take(8)
  const version = cursor.u8()
  if (version > 1) {
    throw invalidWeights(
      `an HDF5 file of the old form (superblock 0 or 1, as Keras writes) but its superblock is ${version}`,
    )
  }
  cursor.take(4)
  const [offsets, lengths] = [cursor.u8(), cursor.u8()]
  if (offsets !== 8 || lengths !== 8)
    throw invalidWeights(`addresses of 8 bytes in the HDF5 file but received ${offsets}`)
  cursor.take(version === 0 ? 9 : 13)
  const base = cursor.u64()
  if (base !== 0) throw invalidWeights('an HDF5 file whose addresses count from its start')
  cursor.take(32)
  return cursor.u64()
}

function requireSignature(cursor: ByteCursor, signature: string): void {
  const found = cursor.latin1(4)
  if (found !== signature) throw invalidWeights(`${signature} in the HDF5 file but received ${describe(found)}`)
}
