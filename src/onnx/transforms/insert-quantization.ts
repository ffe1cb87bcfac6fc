import { unexpected } from '../../errors.ts'
import { int } from '../attributes.ts'
import type { Graph, Model, Node, Tensor } from '../model.ts'
import { float32Of, tensorFrom } from '../tensors.ts'
import type { Int8Weight } from './int8-weights.ts'
import { type IntegerLayout, isLayer } from './integer-layout.ts'
import { pruneModel } from './prune.ts'
import { freshName, valueNames } from './readers.ts'

/** How the numbers of a value become bytes: round(x / scale) + zeroPoint, cut to 0 … 255. */
export interface ByteScale {
  readonly scale: number
  readonly zeroPoint: number
}

/** Everything that the integer form of a graph is made of. */
export interface IntegerForm {
  readonly layout: IntegerLayout
  /** For each of `layout.values` that is not in `layout.sameAs`. */
  readonly scales: ReadonlyMap<string, ByteScale>
  /** By the name of the float32 weight. */
  readonly weights: ReadonlyMap<string, Int8Weight>
  /** What is added to the bias of a layer, by the name of its output. */
  readonly corrections: ReadonlyMap<string, Float64Array>
}

/**
 * The integer form of a graph, written with QuantizeLinear and DequantizeLinear around every operator that computes in
 * integers: the plain ONNX form that runtimes turn into integer kernels where they have them, and compute in float32 where
 * not. Values keep their names, and inputs and outputs stay float32. Biases become int32.
 *
 * @throws VertebraError `GRAPH_INVALID` for a value or weight that the form has no scale for
 * @example
 * const int8 = insertQuantization(model, { layout, scales, weights, corrections: new Map() })
 */
export function insertQuantization(model: Model, form: IntegerForm): Model {
  const writer = new IntegerWriter(model.graph, form)
  const dropped = new Set(form.layout.relus.values())
  for (const node of model.graph.nodes) if (!dropped.has(node)) writer.add(node)
  const { nodes, initializers } = writer
  return pruneModel({ ...model, graph: { ...model.graph, nodes, initializers } })
}

/** The scale of a value: its own, or that of the value whose bytes it keeps. */
export function byteScaleOf({ layout, scales }: Pick<IntegerForm, 'layout' | 'scales'>, value: string): ByteScale {
  const scale = scales.get(layout.sameAs.get(value) ?? value)
  if (scale) return scale
  throw unexpected(`value "${value}"`, 'a scale', scale, 'GRAPH_INVALID')
}

class IntegerWriter {
  readonly nodes: Node[] = []
  readonly initializers: Map<string, Tensor>
  readonly #graph: Graph
  readonly #form: IntegerForm
  readonly #taken: Set<string>
  /** The bytes of a value, and the float32 numbers that are made of them. */
  readonly #bytes = new Map<string, string>()
  readonly #restored = new Map<string, string>()
  /** Constants and weights that are written, by what they are of. */
  readonly #written = new Map<string, string>()

  constructor(graph: Graph, form: IntegerForm) {
    this.#graph = graph
    this.#form = form
    this.#taken = valueNames(graph)
    this.initializers = new Map(graph.initializers)
  }

  add(node: Node): void {
    const { layout } = this.#form
    if (!layout.nodes.has(node)) {
      // A shape is the same for the bytes, and asking them leaves no other reader of the float32 numbers.
      const inputs = node.opType === 'Shape' ? node.inputs.map((name) => this.#bytes.get(name) ?? name) : node.inputs
      this.nodes.push({ ...node, inputs })
      return
    }
    const values = new Set(layout.values)
    const inputs = isLayer(node, this.#graph)
      ? this.#layerInputs(node)
      : node.inputs.map((name) => (values.has(name) ? this.#restore(name) : name))
    const output = (layout.relus.get(node) ?? node).outputs[0] ?? ''
    const raw = this.#fresh(`${output}.raw`)
    this.nodes.push({ ...node, inputs, outputs: [raw] })
    this.#quantize(output, raw, output)
  }

  #fresh(base: string): string {
    return freshName(base, this.#taken)
  }

  #constant(base: string, tensor: () => Tensor): string {
    let name = this.#written.get(base)
    if (name === undefined) {
      name = this.#fresh(base)
      this.initializers.set(name, tensor())
      this.#written.set(base, name)
    }
    return name
  }

  /** The float32 numbers that the bytes of a value stand for. */
  #restore(value: string): string {
    const known = this.#restored.get(value)
    if (known !== undefined) return known
    return this.#quantize(value, value, this.#fresh(`${value}.restored`))
  }

  #quantize(value: string, from: string, to: string): string {
    const { scale, zeroPoint } = byteScaleOf(this.#form, value)
    const source = this.#form.layout.sameAs.get(value) ?? value
    const scaleName = this.#constant(`${source}.scale`, () => tensorFrom(new Float32Array([scale]), []))
    const zeroName = this.#constant(`${source}.zero`, () => tensorFrom(new Uint8Array([zeroPoint]), []))
    const bytes = this.#fresh(`${value}.bytes`)
    this.#push('QuantizeLinear', [from, scaleName, zeroName], bytes)
    this.#push('DequantizeLinear', [bytes, scaleName, zeroName], to)
    this.#bytes.set(value, bytes)
    this.#restored.set(value, to)
    return to
  }

  #layerInputs(node: Node): string[] {
    const [x = '', weightName = '', biasName = ''] = node.inputs
    const weight = this.#form.weights.get(weightName)
    if (!weight) throw unexpected(`weight "${weightName}"`, 'an int8 form', weight, 'GRAPH_INVALID')
    const inputs = [this.#restore(x), this.#weight(weightName, weight)]
    const bias = this.#bias(node, biasName, weight)
    return bias === undefined ? inputs : [...inputs, bias]
  }

  #weight(name: string, { values, scales, dims, axis }: Int8Weight): string {
    const known = this.#written.get(name)
    if (known !== undefined) return known
    const stored = this.#constant(`${name}.int8`, () => tensorFrom(values, dims))
    const scale = this.#constant(`${name}.scale`, () => tensorFrom(scales))
    const zero = this.#constant(`${name}.zero`, () => tensorFrom(new Int8Array(scales.length)))
    const restored = this.#fresh(`${name}.restored`)
    this.#push('DequantizeLinear', [stored, scale, zero], restored, axis)
    this.#written.set(name, restored)
    return restored
  }

  /** The bias as int32 in steps of (scale of the input) * (scale of the weight), as integer kernels add it. */
  #bias(node: Node, biasName: string, weight: Int8Weight): string | undefined {
    const [x = ''] = node.inputs
    const [output = ''] = node.outputs
    const correction = this.#form.corrections.get(output)
    if (node.opType === 'MatMul' || (biasName === '' && !correction)) return undefined
    const constant = this.#graph.initializers.get(biasName)
    const bias = constant ? float32Of(constant, biasName) : new Float32Array(weight.scales.length)
    const { scale } = byteScaleOf(this.#form, x)
    const steps = weight.scales.map((each) => each * scale)
    const values = Int32Array.from(bias, (value, c) => {
      const wanted = Math.round((value + (correction?.[c] ?? 0)) / (steps[c] as number))
      return Math.max(-0x7fffffff, Math.min(0x7fffffff, wanted))
    })
    const stored = this.#constant(`${output}.bias.int32`, () => tensorFrom(values))
    const stepsName = this.#constant(`${output}.bias.scale`, () => tensorFrom(steps))
    const restored = this.#fresh(`${output}.bias.restored`)
    this.#push('DequantizeLinear', [stored, stepsName], restored, 0)
    return restored
  }

  #push(opType: string, inputs: readonly string[], output: string, axis?: number): void {
    const attributes = axis === undefined ? {} : { axis: int(axis) }
    const name = `${output}.${opType === 'QuantizeLinear' ? 'quantize' : 'dequantize'}`
    this.nodes.push({ name, opType, domain: '', inputs, outputs: [output], attributes })
  }
}
