import { describe } from '../../errors.ts'
import { invalidWeights } from '../stored-tensor.ts'
import { ByteCursor } from './byte-cursor.ts'
import { integerOfBytes, parseFloat64, parseInteger, parseQuoted, parseRawUnicode } from './pickle-literals.ts'
import { describePickled, type PickleDict, PickleGlobal, PickleObject, type PickleValue } from './pickle-values.ts'

/**
 * Instructions one pickle may have. Each makes at most one small object, so this bounds memory; a checkpoint of a thousand
 * tensors has some fifty thousand.
 */
const MAX_INSTRUCTIONS = 2_000_000
const LATEST_PROTOCOL = 5

/** What a pickle may name and refer to. */
export interface PickleRules {
  /** The allow-list, by `module.name`. All else is refused. */
  readonly globals: ReadonlyMap<string, PickleGlobal>
  /** What a persistent id stands for; default: none may occur. */
  readonly persistent?: (id: PickleValue) => PickleValue
}

/** Instructions of pickle protocols 0 to 5, as in CPython's Lib/pickle.py. */
// biome-ignore format: a table
const OP = {
  mark: 0x28, stop: 0x2e, pop: 0x30, popMark: 0x31, dup: 0x32, float: 0x46, binFloat: 0x47, int: 0x49, binInt: 0x4a,
  binInt1: 0x4b, long: 0x4c, binInt2: 0x4d, none: 0x4e, persid: 0x50, binPersid: 0x51, reduce: 0x52, string: 0x53,
  binString: 0x54, shortBinString: 0x55, unicode: 0x56, binUnicode: 0x58, append: 0x61, build: 0x62, global: 0x63,
  dict: 0x64, appends: 0x65, get: 0x67, binGet: 0x68, inst: 0x69, longBinGet: 0x6a, list: 0x6c, obj: 0x6f, put: 0x70,
  binPut: 0x71, longBinPut: 0x72, setItem: 0x73, tuple: 0x74, setItems: 0x75, emptyDict: 0x7d, emptyList: 0x5d,
  emptyTuple: 0x29, binBytes: 0x42, shortBinBytes: 0x43, proto: 0x80, newObj: 0x81, tuple1: 0x85, tuple2: 0x86,
  tuple3: 0x87, newTrue: 0x88, newFalse: 0x89, long1: 0x8a, long4: 0x8b, shortBinUnicode: 0x8c, binUnicode8: 0x8d,
  binBytes8: 0x8e, emptySet: 0x8f, addItems: 0x90, frozenSet: 0x91, stackGlobal: 0x93, memoize: 0x94, frame: 0x95,
  byteArray8: 0x96,
} as const

/**
 * Reads one Python pickle as data: nothing is imported and nothing is called but the functions of `rules`, which are
 * ours. Time and memory are bounded by the length of the file.
 *
 * @param start where the pickle begins in `bytes`
 * @returns the value, and where the pickle ends
 * @throws VertebraError `WEIGHTS_INVALID`, with the name, for a class or function outside the allow-list, and for a file
 *   that is damaged
 */
export function readPickle(bytes: Uint8Array, rules: PickleRules, start = 0): { value: PickleValue; end: number } {
  const cursor = new ByteCursor(bytes, 'pickle', start)
  const machine = new Machine(cursor, rules)
  for (let count = 0; count < MAX_INSTRUCTIONS; count++) {
    const code = cursor.u8()
    if (code === OP.stop) return { value: machine.pop(), end: cursor.at }
    machine.run(code)
  }
  throw invalidWeights(`at most ${MAX_INSTRUCTIONS} instructions in a pickle`)
}

class Machine {
  readonly #cursor: ByteCursor
  readonly #rules: PickleRules
  readonly #stack: PickleValue[] = []
  /** Heights of the stack at its open marks. */
  readonly #marks: number[] = []
  readonly #memo = new Map<number, PickleValue>()

  constructor(cursor: ByteCursor, rules: PickleRules) {
    this.#cursor = cursor
    this.#rules = rules
  }

  pop(): PickleValue {
    const value = this.#top()
    this.#stack.pop()
    return value
  }

  run(code: number): void {
    const value = this.#literal(code)
    if (value !== undefined) this.#stack.push(value)
    else if (!this.#arrange(code) && !this.#fill(code)) this.#make(code)
  }

  /** Instructions that are a value by themselves. */
  #literal(code: number): PickleValue | undefined {
    const cursor = this.#cursor
    switch (code) {
      case OP.none: return null // biome-ignore format: a table
      case OP.newTrue: return true // biome-ignore format: a table
      case OP.newFalse: return false // biome-ignore format: a table
      case OP.binInt: return cursor.i32() // biome-ignore format: a table
      case OP.binInt1: return cursor.u8() // biome-ignore format: a table
      case OP.binInt2: return cursor.u16() // biome-ignore format: a table
      case OP.binFloat: return cursor.f64BigEndian() // biome-ignore format: a table
      case OP.long1: return integerOfBytes(cursor.take(cursor.u8())) // biome-ignore format: a table
      case OP.long4: return integerOfBytes(cursor.take(cursor.u32())) // biome-ignore format: a table
      case OP.int: return parseIntLine(cursor.line()) // biome-ignore format: a table
      case OP.long: return parseInteger(cursor.line()) // biome-ignore format: a table
      case OP.float: return parseFloat64(cursor.line()) // biome-ignore format: a table
      case OP.string: return parseQuoted(cursor.line()) // biome-ignore format: a table
      case OP.unicode: return parseRawUnicode(cursor.line()) // biome-ignore format: a table
      // Python 2 has one type for names and for the elements of an array: short ones are taken as names.
      case OP.shortBinString: return cursor.latin1(cursor.u8()) // biome-ignore format: a table
      case OP.binString: return cursor.take(cursor.u32()) // biome-ignore format: a table
      case OP.shortBinBytes: return cursor.take(cursor.u8()) // biome-ignore format: a table
      case OP.binBytes: return cursor.take(cursor.u32()) // biome-ignore format: a table
      case OP.binBytes8:
      case OP.byteArray8: return cursor.take(cursor.u64()) // biome-ignore format: a table
      case OP.shortBinUnicode: return cursor.utf8(cursor.u8()) // biome-ignore format: a table
      case OP.binUnicode: return cursor.utf8(cursor.u32()) // biome-ignore format: a table
      case OP.binUnicode8: return cursor.utf8(cursor.u64()) // biome-ignore format: a table
      case OP.emptyList:
      case OP.emptyTuple:
      case OP.emptySet: return [] // biome-ignore format: a table
      case OP.emptyDict: return new Map() // biome-ignore format: a table
      default: return undefined // biome-ignore format: a table
    }
  }

  /** Instructions that move values between the stack and the memo, and those without effect. */
  #arrange(code: number): boolean {
    const cursor = this.#cursor
    if (code === OP.proto) this.#checkProtocol(cursor.u8())
    else if (code === OP.frame) cursor.take(8)
    else if (code === OP.mark) this.#marks.push(this.#stack.length)
    else if (code === OP.pop) {
      if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop()
      else this.pop()
    } else if (code === OP.popMark) this.#popToMark()
    else if (code === OP.dup) this.#stack.push(this.#top())
    else if (code === OP.get) this.#recall(Number(cursor.line()))
    else if (code === OP.binGet) this.#recall(cursor.u8())
    else if (code === OP.longBinGet) this.#recall(cursor.u32())
    else if (code === OP.put) this.#memo.set(Number(cursor.line()), this.#top())
    else if (code === OP.binPut) this.#memo.set(cursor.u8(), this.#top())
    else if (code === OP.longBinPut) this.#memo.set(cursor.u32(), this.#top())
    else if (code === OP.memoize) this.#memo.set(this.#memo.size, this.#top())
    else return false
    return true
  }

  /** Instructions that put values into lists and dicts. */
  #fill(code: number): boolean {
    if (code === OP.append) {
      const item = this.pop()
      this.#list().push(item)
    } else if (code === OP.appends || code === OP.addItems) {
      const items = this.#popToMark()
      const list = this.#list()
      for (const item of items) list.push(item)
    } else if (code === OP.setItem) {
      const value = this.pop()
      const key = this.pop()
      this.#dict().set(key, value)
    } else if (code === OP.setItems) {
      const items = this.#popToMark()
      setItems(this.#dict(), items)
    } else if (code === OP.tuple || code === OP.list || code === OP.frozenSet) this.#stack.push(this.#popToMark())
    else if (code === OP.tuple1) this.#stack.push(this.#popMany(1))
    else if (code === OP.tuple2) this.#stack.push(this.#popMany(2))
    else if (code === OP.tuple3) this.#stack.push(this.#popMany(3))
    else if (code === OP.dict) this.#stack.push(setItems(new Map(), this.#popToMark()))
    else return false
    return true
  }

  /** Instructions that name a class or function, call it, or give an object its state. */
  #make(code: number): void {
    const cursor = this.#cursor
    if (code === OP.global) this.#stack.push(this.#global(cursor.line(), cursor.line()))
    else if (code === OP.stackGlobal) {
      const [module, name] = this.#popMany(2)
      this.#stack.push(this.#global(module, name))
    } else if (code === OP.reduce || code === OP.newObj) {
      const args = this.pop()
      this.#stack.push(this.#call(this.pop(), args))
    } else if (code === OP.inst) {
      const target = this.#global(cursor.line(), cursor.line())
      this.#stack.push(this.#call(target, this.#popToMark()))
    } else if (code === OP.obj) {
      const [target, ...args] = this.#popToMark()
      this.#stack.push(this.#call(target, args))
    } else if (code === OP.build) {
      const state = this.pop()
      const target = this.#top()
      // A dict's attributes (PyTorch keeps its module versions there) are no part of its content.
      if (target instanceof Map || (target instanceof PickleObject && target.setState(state))) return
      throw invalidWeights(`no state for ${describePickled(target)} in the pickle`)
    } else if (code === OP.persid) this.#stack.push(this.#persistent(cursor.line()))
    else if (code === OP.binPersid) this.#stack.push(this.#persistent(this.pop()))
    else {
      const where = `at byte ${cursor.at - 1}`
      throw invalidWeights(`instructions of pickle protocols 0 to 5 but received 0x${code.toString(16)} ${where}`)
    }
  }

  #global(module: PickleValue | undefined, name: PickleValue | undefined): PickleGlobal {
    const found = typeof module === 'string' && typeof name === 'string' && this.#rules.globals.get(`${module}.${name}`)
    if (found) return found
    const called = `${textOf(module)}.${textOf(name)}`
    throw invalidWeights(
      `tensors and plain values in the pickle but it names ${describe(called)}, which is not on the list of what is read ` +
        '(nothing was run; in Python, save only the state_dict, or as safetensors)',
    )
  }

  #call(target: PickleValue | undefined, args: PickleValue): PickleValue {
    if (!(target instanceof PickleGlobal) || !target.call || !Array.isArray(args)) {
      throw invalidWeights(`no call of ${describePickled(target)} with ${describePickled(args)} in the pickle`)
    }
    return target.call(args)
  }

  #persistent(id: PickleValue): PickleValue {
    if (this.#rules.persistent) return this.#rules.persistent(id)
    throw invalidWeights(`no persistent ids in the pickle but received ${describePickled(id)}`)
  }

  #checkProtocol(version: number): void {
    if (version > LATEST_PROTOCOL) throw invalidWeights(`a pickle of protocol 0 to 5 but received protocol ${version}`)
  }

  #recall(key: number): void {
    const value = this.#memo.get(key)
    if (value === undefined) throw invalidWeights(`value ${key} in the memo of the pickle but it is not there`)
    this.#stack.push(value)
  }

  #list(): PickleValue[] {
    const list = this.#top()
    if (Array.isArray(list)) return list
    throw invalidWeights(`a list to append to in the pickle but received ${describePickled(list)}`)
  }

  #dict(): PickleDict {
    const dict = this.#top()
    if (dict instanceof Map) return dict
    throw invalidWeights(`a dict to put items into in the pickle but received ${describePickled(dict)}`)
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1)
    const isBelowMark = this.#stack.length <= (this.#marks.at(-1) ?? 0)
    if (value === undefined || isBelowMark) throw invalidWeights('a value on the stack of the pickle but it is empty')
    return value
  }

  #popMany(count: number): PickleValue[] {
    const values = Array.from({ length: count }, () => this.pop())
    return values.reverse()
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw invalidWeights('a mark on the stack of the pickle but there is none')
    return this.#stack.splice(mark)
  }
}

function setItems(dict: PickleDict, items: readonly PickleValue[]): PickleDict {
  if (items.length % 2 !== 0) throw invalidWeights('a value for each key in the pickle')
  for (let i = 0; i < items.length; i += 2) dict.set(items[i] as PickleValue, items[i + 1] as PickleValue)
  return dict
}

/** Protocol 0 and 1 write True and False as 01 and 00. */
function parseIntLine(line: string): PickleValue {
  if (line === '01' || line === '00') return line === '01'
  return parseInteger(line)
}

function textOf(value: PickleValue | undefined): string {
  return typeof value === 'string' ? value : describePickled(value)
}
