import { describe } from '../../errors.ts'
import { invalidWeights } from '../stored-tensor.ts'
import { ByteCursor } from './byte-cursor.ts'
import { LITERAL_READERS } from './pickle-literal-readers.ts'
import { OP } from './pickle-opcodes.ts'
import { describePickled, type PickleDict, PickleGlobal, PickleObject, type PickleValue } from './pickle-values.ts'

/**
 * Instructions one pickle may have. Each makes at most one small object, so this bounds memory; a checkpoint of a thousand
 * tensors has some fifty thousand.
 */
const MAX_INSTRUCTIONS = 2_000_000
/**
 * What calls may copy of their arguments, as multiples of the pickle and beyond that: the memo hands out the same text or list any
 * number of times. An item of a list counts as many bytes as it takes in memory, about.
 */
const COPIED_TIMES = 4
const COPIED_FLOOR = 1 << 20
const ITEM_BYTES = 16
const LATEST_PROTOCOL = 5

/** What a pickle may name and refer to. */
export interface PickleRules {
  /** The allow-list, by `module.name`. All else is refused. */
  readonly globals: ReadonlyMap<string, PickleGlobal>
  /** What a persistent id stands for; default: none may occur. */
  readonly persistent?: (id: PickleValue) => PickleValue
}

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
  #copiesLeft: number

  constructor(cursor: ByteCursor, rules: PickleRules) {
    this.#cursor = cursor
    this.#rules = rules
    this.#copiesLeft = COPIED_TIMES * cursor.bytes.length + COPIED_FLOOR
  }

  pop(): PickleValue {
    const value = this.#top()
    this.#stack.pop()
    return value
  }

  run(code: number): void {
    const literal = LITERAL_READERS.get(code)
    if (literal) this.#stack.push(literal(this.#cursor))
    else if (!this.#arrange(code) && !this.#fill(code)) this.#make(code)
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
      if (Array.isArray(state)) this.#countCopies(state)
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
    this.#countCopies(args)
    return target.call(args)
  }

  #countCopies(args: readonly PickleValue[]): void {
    this.#copiesLeft -= args.length * ITEM_BYTES
    for (const arg of args) {
      if (Array.isArray(arg)) this.#copiesLeft -= arg.length * ITEM_BYTES
      else if (typeof arg === 'string') this.#copiesLeft -= arg.length
    }
    if (this.#copiesLeft < 0) throw invalidWeights('a pickle whose calls copy little more than it holds')
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

function textOf(value: PickleValue | undefined): string {
  return typeof value === 'string' ? value : describePickled(value)
}
