import { unexpected, VertebraError } from '../errors.ts'
import {
  type Attribute,
  type DataType,
  type Dim,
  type Model,
  type Node,
  type Tensor,
  WRITTEN_VERSION,
} from './model.ts'
import type { Inferred } from './shape-context.ts'
import { inferNode } from './shape-rules.ts'
import { int64Tensor, integersOf } from './tensors.ts'

/** A value of the graph under construction: the handle that operators take and give. */
export interface Value extends Inferred {
  readonly name: string
}

/** What a node may be given besides inputs. */
export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>> | undefined
  /** Base of the node's name; default: the name of its weight without `.weight`, else the operator with a number. */
  readonly name?: string | undefined
}

/**
 * The part of `GraphBuilder` that knows names and values but no operator: inputs, constants, nodes, outputs, the model.
 */
export class GraphCore {
  readonly #name: string
  readonly #nodes: Node[] = []
  readonly #initializers = new Map<string, Tensor>()
  readonly #values = new Map<string, Value>()
  readonly #inputs: Value[] = []
  readonly #outputs = new Map<string, Value>()
  readonly #taken = new Set<string>()
  readonly #counters = new Map<string, number>()

  constructor(name: string) {
    this.#name = name
  }

  /** An input of the graph. A dimension is a size or the name of a free one. */
  input(name: string, dataType: DataType, dims: readonly Dim[]): Value {
    const isValid = dims.every((dim) => (typeof dim === 'string' ? dim !== '' : Number.isSafeInteger(dim) && dim >= 0))
    if (!isValid) throw unexpected(`input "${name}"`, 'sizes or names as dimensions', dims, 'GRAPH_INVALID')
    const value = this.#define({ name: this.#claim(name), dataType, dims: [...dims] })
    this.#inputs.push(value)
    return value
  }

  /**
   * A constant stored in the file under the weight's own name. Asking twice for one name gives the same value (a weight
   * shared by several nodes), if the tensor is the same one.
   */
  initializer(name: string, tensor: Tensor): Value {
    const existing = this.#values.get(name)
    if (existing && this.#initializers.get(name) === tensor) return existing
    return this.#store(this.#claim(name), tensor)
  }

  /** A one-dimensional int64 constant with a name of its own: a shape, axes, indices. */
  constant(values: readonly number[], name = 'constant'): Value {
    return this.#store(this.#unique(name), int64Tensor(values))
  }

  /** Any standard operator that has a shape rule, with one output; undefined is an optional input left out. */
  op(opType: string, inputs: readonly (Value | undefined)[], options: NodeOptions = {}): Value {
    for (const input of inputs) this.#check(input, opType)
    const name = this.#unique(options.name ?? this.#baseName(opType, inputs))
    const node: Node = {
      name,
      opType,
      domain: '',
      inputs: inputs.map((input) => input?.name ?? ''),
      outputs: [name],
      attributes: options.attributes ?? {},
    }
    const [inferred] = inferNode(node, inputs, WRITTEN_VERSION.opset)
    if (!inferred) throw unexpected(`operator ${opType}`, 'an output', 'none', 'GRAPH_INVALID')
    this.#nodes.push(node)
    return this.#define({ ...inferred, name })
  }

  /** Makes a value an output of the graph, under `name` (default: the name it has). */
  output(value: Value, name: string = value.name): void {
    this.#check(value, 'an output')
    const isComputed = this.#nodes.some((node) => node.outputs[0] === value.name)
    const source = isComputed && ![...this.#outputs.values()].includes(value) ? value : this.op('Identity', [value])
    if (name !== source.name) this.#claim(name)
    this.#outputs.set(name, source)
  }

  /**
   * The finished model.
   *
   * @param metadata texts stored in the file
   * @throws VertebraError `GRAPH_INVALID` when the graph has no output
   */
  build(metadata: Readonly<Record<string, string>> = {}): Model {
    if (this.#outputs.size === 0) throw unexpected(`graph "${this.#name}"`, 'an output', 'none', 'GRAPH_INVALID')
    const renamed = new Map([...this.#outputs].map(([name, value]) => [value.name, name]))
    const rename = (name: string): string => renamed.get(name) ?? name
    return {
      ...WRITTEN_VERSION,
      producer: 'vertebra',
      metadata,
      graph: {
        name: this.#name,
        nodes: this.#nodes.map((node) => ({
          ...node,
          inputs: node.inputs.map(rename),
          outputs: node.outputs.map(rename),
        })),
        initializers: new Map(this.#initializers),
        inputs: this.#inputs.map(({ name, dataType, dims }) => ({ name, dataType, dims })),
        outputs: [...this.#outputs].map(([name, { dataType, dims }]) => ({ name, dataType, dims })),
      },
    }
  }

  #baseName(opType: string, inputs: readonly (Value | undefined)[]): string {
    const weight = inputs.slice(1).find((input) => input && this.#initializers.get(input.name)?.dataType === 'float32')
    return weight?.name.match(/^(.+)\.\w+$/)?.[1] ?? opType
  }

  #store(name: string, tensor: Tensor): Value {
    const { dataType, dims } = tensor
    const contents = dims.length < 2 ? integersOf(tensor) : undefined
    this.#initializers.set(name, tensor)
    return this.#define({ name, dataType, dims, ...(contents ? { contents } : {}) })
  }

  #define(value: Value): Value {
    this.#values.set(value.name, value)
    return value
  }

  #check(value: Value | undefined, user: string): void {
    if (value && this.#values.get(value.name) !== value) {
      throw unexpected(user, `values of graph "${this.#name}"`, value.name, 'GRAPH_INVALID')
    }
  }

  #claim(name: string): string {
    if (name === '' || this.#taken.has(name)) {
      const what = name === '' ? 'a name that is not empty' : 'a name that is not taken'
      throw new VertebraError('GRAPH_INVALID', `Expected ${what} in graph "${this.#name}" but received "${name}".`, {
        value: name,
      })
    }
    this.#taken.add(name)
    return name
  }

  #unique(base: string): string {
    for (let count = this.#counters.get(base) ?? 0; ; count++) {
      const name = count === 0 ? base : `${base}_${count}`
      if (this.#taken.has(name)) continue
      this.#counters.set(base, count + 1)
      return this.#claim(name)
    }
  }
}
