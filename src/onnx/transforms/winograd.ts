import { int, intOf, ints, intsOf, stringOf } from '../attributes.ts'
import type { Attribute, Graph, Model, Node, Tensor } from '../model.ts'
import { plainNode } from '../plain-node.ts'
import { int64Tensor, tensorFrom } from '../tensors.ts'
import { pruneModel } from './prune.ts'
import { Readers } from './readers.ts'
import { winogradMaps } from './winograd-matrices.ts'

/** Outputs and inputs of a tile, of one side and in all. */
const TILE = 4
const READ = TILE + 2
const NUMBERS = READ * READ

/**
 * Convolutions 3x3 of stride 1 and padding 1 in Winograd's form: a transform of each tile of 6 x 6 inputs (a convolution of every
 * channel alone), one matrix product over the channels for each of its 36 numbers, and a transform back to 4 x 4 outputs (a transposed
 * convolution of every channel alone): 36 products instead of 144. The weights, in float32 or as they are stored, are transformed at
 * every run: transformed, they would take four times the memory.
 *
 * Rounding differs by about 1e-5 of the largest value.
 *
 * @param leastChannels Convolutions of fewer channels, in or out, stay: the transforms would cost more than is spared. Default 64.
 *
 * Source: Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks* (2015), section 4.
 * @example
 * const faster = winogradConvolutions(model)
 */
export function winogradConvolutions(model: Model, leastChannels = 64): Model {
  const { graph } = model
  const writer = new WinogradWriter(graph)
  const nodes = graph.nodes.flatMap((node) => {
    const [k = 0, c = 0] = filterDims(graph, writer.sources, node)
    return Math.min(k, c) < leastChannels ? [node] : writer.convolution(node, k, c)
  })
  if (writer.constants.size === 0) return model
  const initializers = new Map([...graph.initializers, ...writer.constants])
  return pruneModel({ ...model, graph: { ...graph, nodes, initializers } })
}

/** [K, C] of a convolution that has such a form and whose weights are constant, else nothing. */
function filterDims({ initializers }: Graph, sources: ReadonlyMap<string, Node>, node: Node): readonly number[] {
  const are = (name: string, value: number, byDefault: number): boolean =>
    (intsOf(node, name) ?? [byDefault]).every((each) => each === value)
  const isPlain =
    node.opType === 'Conv' &&
    intOf(node, 'group', 1) === 1 &&
    stringOf(node, 'auto_pad', 'NOTSET') === 'NOTSET' &&
    are('strides', 1, 1) &&
    are('dilations', 1, 1) &&
    are('pads', 1, 0)
  const [, weight = ''] = node.inputs
  const source = sources.get(weight)
  const isStored = source?.opType === 'Cast' || source?.opType === 'DequantizeLinear'
  const stored = initializers.get(isStored ? (source.inputs[0] ?? '') : weight)
  const [k = 0, c = 0, ...kernel] = stored?.dims ?? []
  return isPlain && String(kernel) === '3,3' ? [k, c] : []
}

class WinogradWriter {
  readonly constants = new Map<string, Tensor>()
  /** What makes each value. */
  readonly sources: ReadonlyMap<string, Node>
  readonly #readers: Readers
  readonly #shared = new Map<string, string>()

  constructor(graph: Graph) {
    this.#readers = new Readers(graph)
    this.sources = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])))
  }

  /** The nodes for one convolution, under the name of its output. */
  convolution(node: Node, k: number, c: number): Node[] {
    const nodes: Node[] = []
    const [x = '', weight = '', ...bias] = node.inputs
    const [output = ''] = node.outputs
    const step = (
      opType: string,
      inputs: readonly string[],
      attributes: Record<string, Attribute> = {},
      name = this.#readers.freshName(`${output}.winograd`),
    ): string => {
      nodes.push(plainNode(opType, inputs, name, attributes))
      return name
    }
    const square = (size: number): Attribute => ints([size, size])
    const swap = { perm: ints([0, 2, 1, 3]) }
    // [N, C, H, W] to [N, C * 36, rows of tiles, columns of tiles]; the last tile may reach beyond the map.
    const tiles = step('Conv', [x, this.#repeated('input', c, READ)], {
      group: int(c),
      kernel_shape: square(READ),
      strides: square(TILE),
      pads: ints([1, 1, TILE, TILE]),
    })
    const byNumber = step('Transpose', [step('Reshape', [tiles, this.#shape([0, c, NUMBERS, -1])])], swap)
    // Convolutions that share weights share what becomes of them.
    const filter = this.#shared.get(weight) ?? this.#filter(weight, k, c, step)
    this.#shared.set(weight, filter)
    const byChannel = step('Transpose', [step('MatMul', [filter, byNumber])], swap)
    const places = step('Shape', [tiles], { start: int(2) })
    const shape = step('Concat', [this.#shape([0, k * NUMBERS]), places], { axis: int(0) })
    const inPlace = step('Reshape', [byChannel, shape])
    const whole = step('ConvTranspose', [inPlace, this.#repeated('output', k, TILE), ...bias], {
      group: int(k),
      kernel_shape: square(TILE),
      strides: square(TILE),
    })
    const size = step('Shape', [x], { start: int(2) })
    step('Slice', [whole, this.#shape([0, 0]), size, this.#shape([2, 3])], {}, output)
    return nodes
  }

  /** The transformed weights [36, K, C]. */
  #filter(
    weight: string,
    k: number,
    c: number,
    step: (opType: string, inputs: readonly string[], attributes?: Record<string, Attribute>) => string,
  ): string {
    // Runtimes compute with constants when they load, and keep the result, but not with what is dequantised.
    const map = step(
      'DequantizeLinear',
      [
        this.#constant('winograd.filter', () => tensorFrom(winogradMaps().filter, [NUMBERS, 9])),
        this.#constant('winograd.filter_scales', () => tensorFrom(winogradMaps().filterScales)),
      ],
      { axis: int(0) },
    )
    const rows = step('Reshape', [weight, this.#shape([k * c, 9])])
    return step('Reshape', [step('Gemm', [map, rows], { transB: int(1) }), this.#shape([NUMBERS, k, c])])
  }

  /** A transform of tiles, once for every channel. */
  #repeated(which: 'input' | 'output', channels: number, side: number): string {
    return this.#constant(`winograd.${which}.${channels}`, () => {
      const map = winogradMaps()[which]
      const data = new Float32Array(channels * map.length)
      for (let channel = 0; channel < channels; channel++) data.set(map, channel * map.length)
      return tensorFrom(data, [channels * NUMBERS, 1, side, side])
    })
  }

  #shape(values: readonly number[]): string {
    return this.#constant(`winograd.shape.${values.join('_')}`, () => int64Tensor(values))
  }

  #constant(name: string, make: () => Tensor): string {
    const known = this.#shared.get(name)
    if (known) return known
    const fresh = this.#readers.freshName(name)
    this.constants.set(fresh, make())
    this.#shared.set(name, fresh)
    return fresh
  }
}
