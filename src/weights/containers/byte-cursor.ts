import { invalidWeights } from '../stored-tensor.ts'

const latin1 = (bytes: Uint8Array): string => {
  let text = ''
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192))
  return text
}

const MAX_LINE = 1 << 20

/** Reads little-endian numbers and pieces of a file in order. Whatever lies beyond its end is a clear error. */
export class ByteCursor {
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #what: string
  at: number

  /** @param what how a message names the file */
  constructor(bytes: Uint8Array, what: string, at = 0) {
    // A Buffer's slice() does not copy: only plain arrays leave this reader.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
    this.at = at
  }

  /** The next `count` bytes as a view. */
  take(count: number): Uint8Array {
    const start = this.#advance(count)
    return this.bytes.subarray(start, start + count)
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true)
  }

  /** Sizes beyond 2^53 become larger than any file. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true))
  }

  /** Big-endian float64. */
  f64BigEndian(): number {
    return this.#view.getFloat64(this.#advance(8))
  }

  /** `count` bytes as one character each. */
  latin1(count: number): string {
    return latin1(this.take(count))
  }

  utf8(count: number): string {
    const bytes = this.take(count)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch (cause) {
      throw invalidWeights(`UTF-8 text in the ${this.#what} at byte ${this.at - count}`, cause)
    }
  }

  /** The characters up to a line feed, which is passed. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end < 0) throw this.#cut('a line')
    if (end - this.at > MAX_LINE) throw invalidWeights(`lines of at most ${MAX_LINE} bytes in the ${this.#what}`)
    const text = this.latin1(end - this.at)
    this.at++
    return text
  }

  #advance(count: number): number {
    const start = this.at
    if (count > this.bytes.length - start) throw this.#cut(`${count} more bytes`)
    this.at += count
    return start
  }

  #cut(needed: string): Error {
    const { length } = this.bytes
    return invalidWeights(
      `${needed} in the ${this.#what} at byte ${this.at} but it ends at ${length} (cut short, or damaged)`,
    )
  }
}
