import { float, int } from '../attributes.ts'
import { floatBitsToHalf, MAX_HALF } from '../half.ts'
import { DATA_TYPES, type DataType, type Model, type Node, type Tensor } from '../model.ts'
import { inferValues } from '../shapes.ts'
import { float32Of } from '../tensors.ts'
import { pruneModel } from './prune.ts'
import { freshName, valueNames } from './readers.ts'

/** Operators that lose nothing by float16 but the last digits of their numbers. */
const HALF_OPERATORS: ReadonlySet<string> = new Set([
  'Add',
  'AveragePool',
  'BatchNormalization',
  'Concat',
  'Conv',
  'Flatten',
  'Gemm',
  'GlobalAveragePool',
  'Identity',
  'MatMul',
  'MaxPool',
  'Mul',
  'Pad',
  'Relu',
  'Reshape',
  'Resize',
  'Slice',
  'Squeeze',
  'Sub',
  'Transpose',
])

/** Inputs of these beyond the first are no activations: scales, paddings. */
const FIRST_ONLY: ReadonlySet<string> = new Set(['Resize', 'Pad', 'Slice', 'Reshape', 'Squeeze'])

/**
 * The same network computing in float16, for devices that are faster with it: inputs and outputs stay float32, weights become
 * float16, and so does everything between, but for operators whose numbers are places (GridSample, RoiAlign) or that are not
 * known here. A node with a weight beyond 65504, the largest float16, stays float32. Where an activation is beyond it, the outputs
 * that depend on it are infinite or NaN.
 *
 * @param model with float32 weights: see `dequantizeWeights` and `restoreFloats`
 * @throws VertebraError `GRAPH_INVALID` when a node does not fit its inputs or has no shape rule
 */
export function computeInHalf(model: Model): Model {
  return new HalfWriter(model).write()
}

class HalfWriter {
  readonly #model: Model
  readonly #types: ReadonlyMap<string, { readonly dataType: DataType }>
  readonly #initializers: Map<string, Tensor>
  readonly #taken: Set<string>
  readonly #nodes: Node[] = []
  /** The float16 form of a float32 value, and the float32 form of a value that is made in float16. */
  readonly #halves = new Map<string, string>()
  readonly #singles = new Set<string>()

  constructor(model: Model) {
    this.#model = model
    this.#types = inferValues(model)
    this.#initializers = new Map(model.graph.initializers)
    this.#taken = valueNames(model.graph)
    for (const name of [...model.graph.inputs.map((input) => input.name), ...this.#initializers.keys()]) {
      this.#singles.add(name)
    }
  }

  write(): Model {
    const { graph } = this.#model
    for (const node of graph.nodes) this.#add(node)
    for (const { name } of graph.outputs) this.#single(name)
    return pruneModel({ ...this.#model, graph: { ...graph, nodes: this.#nodes, initializers: this.#initializers } })
  }

  #add(node: Node): void {
    const { opType, inputs, outputs } = node
    const isHalf = node.domain === '' && HALF_OPERATORS.has(opType) && this.#fits(node)
    if (!isHalf || outputs.some((name) => !this.#isFloat(name))) {
      // A shape is the same in either type.
      const read = (name: string): string =>
        opType === 'Shape' ? (this.#halves.get(name) ?? name) : this.#single(name)
      this.#nodes.push({ ...node, inputs: inputs.map(read) })
      for (const name of outputs) this.#singles.add(name)
      return
    }
    const read = inputs.map((name, i) => (i > 0 && FIRST_ONLY.has(opType) ? this.#single(name) : this.#half(name)))
    const made = outputs.map((name) => freshName(`${name}.half`, this.#taken))
    outputs.forEach((name, i) => {
      this.#halves.set(name, made[i] ?? '')
    })
    this.#nodes.push({ ...(opType === 'Relu' ? openRelu(node) : node), inputs: read, outputs: made })
  }

  #isFloat(name: string): boolean {
    return this.#types.get(name)?.dataType === 'float32'
  }

  /** Whether all constants that a node reads are numbers that float16 has. */
  #fits({ inputs }: Node): boolean {
    return inputs.every((name) => {
      const tensor = this.#initializers.get(name)
      return tensor?.dataType !== 'float32' || float32Of(tensor).every((value) => Math.abs(value) <= MAX_HALF)
    })
  }

  #half(name: string): string {
    const known = this.#halves.get(name)
    if (known !== undefined || !this.#isFloat(name)) return known ?? name
    const half = freshName(`${name}.half`, this.#taken)
    this.#halves.set(name, half)
    const tensor = this.#model.graph.initializers.get(name)
    if (tensor) this.#initializers.set(half, halfTensor(tensor))
    else this.#cast(name, half, 'float16')
    return half
  }

  /** A value under its old name, as float32 if it is a float. */
  #single(name: string): string {
    const half = this.#halves.get(name)
    if (half === undefined || this.#singles.has(name)) return name
    this.#singles.add(name)
    this.#cast(half, name, 'float32')
    return name
  }

  #cast(from: string, to: string, dataType: DataType): void {
    const attributes = { to: int(DATA_TYPES[dataType]) }
    this.#nodes.push({ name: `${to}.cast`, opType: 'Cast', domain: '', inputs: [from], outputs: [to], attributes })
  }
}

/** Many kernels of Relu make 0 of NaN, and so of numbers that were too large a plain part of the picture; this form keeps NaN. */
function openRelu(node: Node): Node {
  return { ...node, opType: 'LeakyRelu', attributes: { alpha: float(0) } }
}

function halfTensor(tensor: Tensor): Tensor {
  const values = float32Of(tensor)
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = Uint16Array.from(bits, floatBitsToHalf)
  return { dataType: 'float16', dims: tensor.dims, bytes: new Uint8Array(halves.buffer) }
}
