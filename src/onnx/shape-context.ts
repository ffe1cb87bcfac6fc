import { VertebraError } from '../errors.ts'
import { intOf, intsOf, stringOf } from './attributes.ts'
import { showDims, windowCount } from './dims.ts'
import type { DataType, Dim, Node } from './model.ts'

/** What is known of a value without running the graph. */
export interface Inferred {
  readonly dataType: DataType
  readonly dims: readonly Dim[]
  /** The elements, where they are integers that can be known: shapes and what is cut or joined from shapes. */
  readonly contents?: readonly Dim[]
}

/** Gives the outputs of one operator from its inputs, and refuses inputs that do not fit. */
export type ShapeRule = (context: ShapeContext) => readonly Inferred[]

/** One node with what is known of its inputs: what a shape rule works on. */
export class ShapeContext {
  readonly node: Node
  readonly opset: number
  readonly #inputs: readonly (Inferred | undefined)[]

  constructor(node: Node, inputs: readonly (Inferred | undefined)[], opset: number) {
    this.node = node
    this.#inputs = inputs
    this.opset = opset
  }

  /** A required input. */
  input(index: number): Inferred {
    return this.#inputs[index] ?? this.fail(`input ${index}`, `nothing (${this.#inputs.length} inputs)`)
  }

  optional(index: number): Inferred | undefined {
    return this.#inputs[index]
  }

  inputs(): Inferred[] {
    return this.#inputs.map((_, index) => this.input(index))
  }

  int(name: string, fallback: number): number {
    return intOf(this.node, name, fallback)
  }

  ints(name: string): readonly number[] | undefined {
    return intsOf(this.node, name)
  }

  string(name: string, fallback: string): string {
    return stringOf(this.node, name, fallback)
  }

  /** A dimension that must be a number, such as channels. */
  known(dim: Dim | undefined, what: string): number {
    return typeof dim === 'number' ? dim : this.fail(`a known size as ${what}`, String(dim))
  }

  /** The input's dimensions, which must be `rank` (or `rank` and more when `atLeast`). */
  ranked(index: number, rank: number, atLeast = false): readonly Dim[] {
    const { dims } = this.input(index)
    if (dims.length === rank || (atLeast && dims.length > rank)) return dims
    return this.fail(`${atLeast ? 'at least ' : ''}${rank} dimensions in input ${index}`, showDims(dims))
  }

  /** An input of floating numbers: its type. */
  floating(index: number): DataType {
    const { dataType } = this.input(index)
    if (/float/.test(dataType)) return dataType
    return this.fail(`floating numbers in input ${index}`, dataType)
  }

  /** Two values that must be of one type: that type. */
  sameType(...values: readonly (Inferred | undefined)[]): DataType {
    const types = new Set(values.flatMap((value) => (value ? [value.dataType] : [])))
    const [type] = types
    return types.size === 1 && type !== undefined ? type : this.fail('inputs of one type', [...types].join(' and '))
  }

  /** A parameter of one number per channel. */
  perChannel(index: number, channels: number): void {
    const { dims } = this.input(index)
    if (dims.length !== 1 || dims[0] !== channels) {
      this.fail(`input ${index} of shape [${channels}], one per channel`, showDims(dims))
    }
  }

  /** An axis counted from the end when negative, made 0 to rank - 1. */
  axis(value: number, rank: number): number {
    const axis = value < 0 ? value + rank : value
    if (Number.isInteger(axis) && axis >= 0 && axis < rank) return axis
    return this.fail(`an axis of a value of ${rank} dimensions`, String(value))
  }

  /** Integers given as an attribute (older operator sets) or as a constant input; undefined when in neither. */
  integers(attribute: string, index: number): readonly number[] | undefined {
    const given = this.ints(attribute)
    if (given) return given
    const input = this.optional(index)
    if (!input) return undefined
    return this.contents(index).map((value) => this.known(value, attribute))
  }

  /** The elements of an input that must be known, such as the shape of a Reshape. */
  contents(index: number): readonly Dim[] {
    const { contents } = this.input(index)
    return contents ?? this.fail(`input ${index} to be constant or made from shapes`, 'a computed value')
  }

  /** The spatial sizes after a kernel has walked over them; reads strides, dilations, pads and auto_pad. */
  windowed(sizes: readonly Dim[], kernel: readonly number[]): Dim[] {
    const { length } = sizes
    const strides = this.#axes('strides', length, 1)
    const dilations = this.#axes('dilations', length, 1)
    const pads = this.ints('pads') ?? new Array<number>(2 * length).fill(0)
    const autoPad = this.string('auto_pad', 'NOTSET')
    const isSame = autoPad === 'SAME_UPPER'
    if (kernel.length !== length || kernel.some((size) => !(size >= 1))) this.fail(`a kernel of ${length}`, `${kernel}`)
    if (pads.length !== 2 * length || pads.some((pad) => !(pad >= 0))) this.fail(`${2 * length} pads`, `${pads}`)
    if (autoPad !== 'NOTSET' && !isSame) this.fail('explicit pads or SAME_UPPER', `auto_pad ${autoPad}`)
    if (this.int('ceil_mode', 0) !== 0) this.fail('ceil_mode 0 (use padding at the end instead)', '1')
    return sizes.map((size, i) => {
      const [side, dilation] = [kernel[i] as number, dilations[i] as number]
      const padding = isSame ? (side - 1) * dilation : (pads[i] as number) + (pads[i + length] as number)
      const count = windowCount(size, { kernel: side, stride: strides[i] as number, dilation, padding })
      if (typeof count === 'number' && count < 1) {
        this.fail(`an input at least as large as its ${kernel.join('x')} window`, showDims(sizes))
      }
      return count
    })
  }

  #axes(name: string, length: number, fallback: number): readonly number[] {
    const values = this.ints(name) ?? new Array<number>(length).fill(fallback)
    if (values.length !== length || values.some((value) => !(value >= 1))) {
      this.fail(`${length} ${name} of 1 or more`, `[${values.join(', ')}]`)
    }
    return values
  }

  /** @throws VertebraError `GRAPH_INVALID` naming the node and the shapes of its inputs */
  fail(expected: string, received: string): never {
    const shapes = this.#inputs.map((input) => (input ? showDims(input.dims) : 'none')).join(', ')
    throw new VertebraError(
      'GRAPH_INVALID',
      `Expected ${expected} for ${this.node.opType} node "${this.node.name}" but received ${received}; ` +
        `its inputs are ${shapes}.`,
      { value: this.node },
    )
  }
}
