import { messageOf, VertebraError } from '../errors.ts'

/** Bytes of a file, in pieces: a Node stream, a `fetch` body, or a list. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** One value of a large JSON file. */
export type JsonVisitor = (
  value: unknown,
  /** The top-level field it belongs to; undefined in a file that is an array. */
  field: string | undefined,
  /** Its place in the field's array; -1 when the field is no array, or for the array itself as it begins (value []). */
  index: number,
) => void

/** A larger entry is refused: it would not be an annotation. */
const MAX_ENTRY_BYTES = 2 ** 28

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a] as const
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d] as const

/**
 * Reads a JSON file that is an array, or an object whose fields are arrays, entry by entry: only one entry is held as
 * text. The numbers NaN and Infinity, which Python writes, become null.
 *
 * @param origin the file's name, for messages.
 * @throws VertebraError `DATA_INVALID` for text that is not JSON or breaks off.
 */
export async function readJsonEntries(chunks: ByteChunks, origin: string, visit: JsonVisitor): Promise<void> {
  const reader = new EntryReader(origin, visit)
  for await (const chunk of chunks) reader.push(chunk)
  reader.end()
}

type State = 'start' | 'field' | 'colon' | 'value' | 'element' | 'after-element' | 'after-field' | 'end'

class EntryReader {
  readonly #origin: string
  readonly #visit: JsonVisitor
  readonly #decoder = new TextDecoder()
  #state: State = 'start'
  /** Whether the file is one array. */
  #bare = false
  /** After a comma or an opening bracket: whether the container may close here. */
  #mayClose = false
  #field: string | undefined
  #index = -1
  /** Bytes before the current chunk. */
  #offset = 0
  // The value being collected.
  #collecting = false
  #parts: Uint8Array[] = []
  #partBytes = 0
  #depth = 0
  #inString = false
  #escaped = false

  constructor(origin: string, visit: JsonVisitor) {
    this.#origin = origin
    this.#visit = visit
  }

  push(chunk: Uint8Array): void {
    let at = 0
    if (this.#offset === 0 && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) at = 3
    while (at < chunk.length) at = this.#collecting ? this.#collect(chunk, at) : this.#step(chunk, at)
    this.#offset += chunk.length
  }

  end(): void {
    if (this.#state !== 'end') throw this.#broken(`it breaks off after ${this.#offset} bytes`)
  }

  /** Handles one byte between values; returns where to go on. */
  #step(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] as number
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return at + 1
    switch (this.#state) {
      case 'start':
        if (byte === OPEN_OBJECT) this.#go('field', true)
        else if (byte === OPEN_ARRAY) {
          this.#bare = true
          this.#openArray()
        } else throw this.#unexpected(at)
        return at + 1
      case 'field':
        if (byte === CLOSE_OBJECT && this.#mayClose) return this.#go('end', false, at)
        if (byte !== QUOTE) throw this.#unexpected(at)
        return this.#begin(at)
      case 'colon':
        if (byte !== COLON) throw this.#unexpected(at)
        return this.#go('value', false, at)
      case 'value':
        if (byte !== OPEN_ARRAY) return this.#begin(at)
        this.#openArray()
        return at + 1
      case 'element':
        if (byte === CLOSE_ARRAY && this.#mayClose) return this.#go(this.#bare ? 'end' : 'after-field', false, at)
        return this.#begin(at)
      case 'after-element':
        if (byte === COMMA) return this.#go('element', false, at)
        if (byte !== CLOSE_ARRAY) throw this.#unexpected(at)
        return this.#go(this.#bare ? 'end' : 'after-field', false, at)
      case 'after-field':
        if (byte === COMMA) return this.#go('field', false, at)
        if (byte !== CLOSE_OBJECT) throw this.#unexpected(at)
        return this.#go('end', false, at)
      case 'end':
        throw this.#unexpected(at)
    }
  }

  #go(state: State, mayClose: boolean, at = 0): number {
    this.#state = state
    this.#mayClose = mayClose
    return at + 1
  }

  #openArray(): void {
    this.#visit([], this.#field, -1)
    this.#index = 0
    this.#go('element', true)
  }

  #begin(at: number): number {
    this.#collecting = true
    this.#depth = 0
    this.#inString = false
    this.#escaped = false
    return at
  }

  /** Takes bytes of one value, up to its end or the chunk's; returns where to go on. */
  #collect(chunk: Uint8Array, from: number): number {
    let [depth, inString, escaped] = [this.#depth, this.#inString, this.#escaped]
    let at = from
    let done = false
    while (at < chunk.length && !done) {
      const byte = chunk[at] as number
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) {
          inString = false
          done = depth === 0
        }
      } else if (byte === QUOTE) inString = true
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        // At depth 0 the bracket ends a number or word and belongs to what is around it.
        if (depth === 0) break
        done = --depth === 0
      } else if (depth === 0 && (byte === COMMA || byte <= 0x20)) break
      at++
    }
    this.#depth = depth
    this.#inString = inString
    this.#escaped = escaped
    this.#partBytes += at - from
    if (this.#partBytes > MAX_ENTRY_BYTES) throw this.#broken(`one entry is larger than ${MAX_ENTRY_BYTES} bytes`)
    const ended = done || at < chunk.length
    // The caller may reuse the chunk's memory, so what is kept beyond it is copied.
    this.#parts.push(ended ? chunk.subarray(from, at) : chunk.slice(from, at))
    if (ended) this.#finish(at)
    return at
  }

  #finish(at: number): void {
    const [only] = this.#parts
    const bytes = this.#parts.length === 1 && only ? only : joined(this.#parts, this.#partBytes)
    this.#collecting = false
    this.#parts = []
    this.#partBytes = 0
    const value = this.#parse(this.#decoder.decode(bytes), at)
    if (this.#state === 'field') {
      this.#field = String(value)
      this.#go('colon', false)
    } else if (this.#state === 'value') {
      this.#visit(value, this.#field, -1)
      this.#go('after-field', false)
    } else {
      this.#visit(value, this.#field, this.#index++)
      this.#go('after-element', false)
    }
  }

  #parse(text: string, at: number): unknown {
    try {
      return JSON.parse(text)
    } catch (cause) {
      const repaired = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
        token.startsWith('"') ? token : 'null',
      )
      try {
        return JSON.parse(repaired)
      } catch {
        throw this.#broken(`before byte ${this.#offset + at} it says: ${messageOf(cause)}`, cause)
      }
    }
  }

  #unexpected(at: number): VertebraError {
    return this.#broken(`byte ${this.#offset + at} is out of place`)
  }

  #broken(how: string, cause?: unknown): VertebraError {
    return new VertebraError('DATA_INVALID', `Expected JSON in ${this.#origin} but ${how}.`, { cause })
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
