import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { allocate } from '../allocate.ts'
import { messageOf, unexpected, VertebraError } from '../errors.ts'

/** Largest file protobuf allows. */
const MAX_BYTES = 0x7fffffff
/** Payloads from this size on are not copied until the file is put together. */
const LARGE = 1024
/**
 * Things (nodes, attributes, names, sizes) that one file may hold. Far above any network, it bounds the memory that a
 * file of a few bytes per thing can make us allocate.
 */
const MAX_ITEMS = 2_000_000

/** Bytes of a known number that are only made when the file is put together. */
interface Later {
  readonly length: number
  readonly make: () => Uint8Array
}

/**
 * Writes one protobuf message as a list of parts, so that large payloads (weights) are copied once: into the finished
 * file. Lengths are known before anything is put together, as an inner message is finished before the outer one.
 */
export class MessageWriter {
  readonly #parts: (Uint8Array | Later)[] = []
  readonly #small = new BinaryWriter()
  #size = 0

  int64(field: number, value: number): this {
    this.#small.tag(field, WireType.Varint).int64(value)
    return this
  }

  float(field: number, value: number): this {
    this.#small.tag(field, WireType.Bit32).float(value)
    return this
  }

  /** An empty string is left out, as protobuf readers take a missing one for empty. */
  string(field: number, value: string): this {
    if (value !== '') this.#small.tag(field, WireType.LengthDelimited).string(value)
    return this
  }

  /** Also writes the empty string: an element of a repeated field. */
  element(field: number, value: string): this {
    this.#small.tag(field, WireType.LengthDelimited).string(value)
    return this
  }

  /** A payload. Large ones are asked for one after the other while the file is put together, so that they need not all exist. */
  bytesLater(field: number, length: number, make: () => Uint8Array): this {
    this.#small.tag(field, WireType.LengthDelimited).uint32(length)
    this.#append(length < LARGE ? make() : { length, make })
    return this
  }

  message(field: number, inner: MessageWriter): this {
    inner.#flush()
    if (inner.#size > MAX_BYTES) throw tooLarge(inner.#size)
    this.#small.tag(field, WireType.LengthDelimited).uint32(inner.#size)
    for (const part of inner.#parts) this.#append(part)
    return this
  }

  /** @throws VertebraError `GRAPH_INVALID` above 2 GB, `OUT_OF_MEMORY` when there is no room for the result */
  finish(): Uint8Array {
    this.#flush()
    if (this.#size > MAX_BYTES) throw tooLarge(this.#size)
    const result = allocate(this.#size, 'an ONNX file')
    let position = 0
    for (const part of this.#parts) {
      result.set(part instanceof Uint8Array ? part : part.make(), position)
      position += part.length
    }
    return result
  }

  #append(bytes: Uint8Array | Later): void {
    if (bytes instanceof Uint8Array && bytes.length < LARGE) {
      this.#small.raw(bytes)
    } else {
      this.#flush()
      this.#push(bytes)
    }
  }

  #flush(): void {
    const bytes = this.#small.finish()
    if (bytes.length > 0) this.#push(bytes)
  }

  #push(bytes: Uint8Array | Later): void {
    this.#parts.push(bytes)
    this.#size += bytes.length
  }
}

function tooLarge(size: number): VertebraError {
  return unexpected('an ONNX file', 'at most 2147483647 bytes', size, 'GRAPH_INVALID')
}

/** Counts what a file makes us allocate; shared by the readers of one file. */
export class ItemBudget {
  #left = MAX_ITEMS

  take(): void {
    if (this.#left-- <= 0) throw unexpected('an ONNX file', `at most ${MAX_ITEMS} items`, 'more', 'GRAPH_INVALID')
  }
}

/**
 * Reads the fields of one protobuf message in order. Each method reads the value of the field that `fields` stands at,
 * refuses another wire type, and gives views, never copies; fields that nobody reads are skipped.
 */
export class MessageReader {
  readonly #reader: BinaryReader
  readonly #budget: ItemBudget
  #wireType: WireType = WireType.Varint
  #isPending = false

  constructor(bytes: Uint8Array, budget: ItemBudget) {
    if (bytes.length > MAX_BYTES) throw tooLarge(bytes.length)
    // A Buffer's parts are Buffers, whose slice() does not copy: only plain arrays leave this reader.
    this.#reader = new BinaryReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    this.#budget = budget
  }

  /** The field numbers of the message, one for each value. */
  *fields(): Generator<number, void, undefined> {
    const reader = this.#reader
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag()
      this.#wireType = wireType
      this.#isPending = true
      yield field
      if (this.#isPending) reader.skip(wireType, field)
    }
  }

  /** Values past 2^53, in practice the "to the end" of a Slice, become the nearest number that is exact. */
  int(): number {
    this.#begin(WireType.Varint)
    this.#budget.take()
    return this.#int()
  }

  float(): number {
    this.#begin(WireType.Bit32)
    this.#budget.take()
    return this.#reader.float()
  }

  string(): string {
    this.#begin(WireType.LengthDelimited)
    this.#budget.take()
    return this.#reader.string()
  }

  bytes(): Uint8Array {
    this.#begin(WireType.LengthDelimited)
    this.#budget.take()
    return this.#reader.bytes()
  }

  /** An inner message. */
  message(): MessageReader {
    return new MessageReader(this.bytes(), this.#budget)
  }

  /** One or (packed) many integers of a repeated field, added to `into`. */
  intsInto(into: number[]): void {
    this.#manyInto(into, WireType.Varint, () => this.#int())
  }

  /** One or (packed) many floats of a repeated field, added to `into`. */
  floatsInto(into: number[]): void {
    this.#manyInto(into, WireType.Bit32, () => this.#reader.float())
  }

  /** The bytes of a packed repeated field, or of its single unpacked value. */
  packed(unpacked: WireType): Uint8Array {
    if (this.#wireType === WireType.LengthDelimited) return this.bytes()
    this.#begin(unpacked)
    this.#budget.take()
    return this.#reader.skip(unpacked)
  }

  #manyInto(into: number[], single: WireType, read: () => number): void {
    if (this.#wireType !== WireType.LengthDelimited) {
      this.#begin(single)
      this.#budget.take()
      into.push(read())
      return
    }
    this.#begin(WireType.LengthDelimited)
    const end = this.#reader.uint32() + this.#reader.pos
    if (end > this.#reader.len) throw new RangeError('a packed field ends after its message')
    while (this.#reader.pos < end) {
      this.#budget.take()
      into.push(read())
    }
    if (this.#reader.pos !== end) throw new RangeError('a packed field ends inside a number')
  }

  #int(): number {
    const value = Number(this.#reader.int64())
    return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
  }

  #begin(expected: WireType): void {
    if (this.#wireType !== expected) throw new TypeError(`wire type ${this.#wireType} instead of ${expected}`)
    this.#isPending = false
  }
}

/**
 * Reads the bytes of an ONNX file.
 *
 * @throws VertebraError `GRAPH_INVALID` for bytes that break off or are damaged
 */
export function readFile<Read>(bytes: Uint8Array, read: (file: MessageReader) => Read): Read {
  try {
    return read(new MessageReader(bytes, new ItemBudget()))
  } catch (cause) {
    if (cause instanceof VertebraError) throw cause
    const message = `Expected the bytes of an ONNX model but they break off or are damaged: ${messageOf(cause)}.`
    throw new VertebraError('GRAPH_INVALID', message, { cause })
  }
}
