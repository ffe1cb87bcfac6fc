import { int, intOf, ints, intsOf, stringOf } from '../attributes.ts'
import type { Attribute, Graph, Model, Node, Tensor } from '../model.ts'
import { int64Tensor, tensorFrom } from '../tensors.ts'
import { pruneModel } from './prune.ts'
import { Readers } from './readers.ts'
import { type WinogradTile, winogradMaps } from './winograd-matrices.ts'

export interface WinogradOptions {
  /** Outputs of one side of a tile: 2 needs 4 products for an output instead of 9, and 4 needs 2.25 and a little more memory. */
  readonly tile: WinogradTile
  /** Convolutions of fewer channels, in or out, stay: what goes before and after the products costs more than is spared. */
  readonly channels: number
}

/**
 * Convolutions 3x3 of stride 1 and padding 1 in Winograd's form: a transform of each input tile (a convolution of every channel
 * alone), one matrix product over the channels for each of its (tile + 2)^2 numbers, and a transform back (a transposed convolution
 * of every channel alone). Weights are transformed by nodes over constants, which a runtime computes once.
 *
 * Rounding is that of float32 over a few more additions: about 1e-6 of the largest value for tile 2, 1e-5 for tile 4.
 *
 * Source: Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks* (2015), section 4.
 * @example
 * const faster = winogradConvolutions(model, { tile: 2, channels: 64 })
 */
export function winogradConvolutions(model: Model, { tile, channels }: WinogradOptions): Model {
  const { graph } = model
  const writer = new WinogradWriter(graph, tile)
  const nodes = graph.nodes.flatMap((node) => {
    const dims = filterDims(graph, writer.sources, node)
    if (!dims || Math.min(...dims.slice(0, 2)) < channels) return [node]
    return writer.convolution(node, dims)
  })
  if (writer.constants.size === 0) return model
  const initializers = new Map([...graph.initializers, ...writer.constants])
  return pruneModel({ ...model, graph: { ...graph, nodes, initializers } })
}

/** [K, C] of a convolution that has such a form and whose weights are constant. */
function filterDims(
  { initializers }: Graph,
  sources: ReadonlyMap<string, Node>,
  node: Node,
): readonly [number, number] | undefined {
  const isPlain =
    node.opType === 'Conv' &&
    intOf(node, 'group', 1) === 1 &&
    stringOf(node, 'auto_pad', 'NOTSET') === 'NOTSET' &&
    (intsOf(node, 'strides') ?? [1, 1]).every((stride) => stride === 1) &&
    (intsOf(node, 'dilations') ?? [1, 1]).every((dilation) => dilation === 1) &&
    (intsOf(node, 'pads') ?? [0]).every((pad) => pad === 1)
  const [, weight = ''] = node.inputs
  const source = sources.get(weight)
  const isStored = source?.opType === 'Cast' || source?.opType === 'DequantizeLinear'
  const [k = 0, c = 0, height, width] = initializers.get(isStored ? (source.inputs[0] ?? '') : weight)?.dims ?? []
  return isPlain && height === 3 && width === 3 ? [k, c] : undefined
}

class WinogradWriter {
  readonly constants = new Map<string, Tensor>()
  /** What makes each value. */
  readonly sources: ReadonlyMap<string, Node>
  readonly #readers: Readers
  readonly #tile: WinogradTile
  readonly #shared = new Map<string, string>()

  constructor(graph: Graph, tile: WinogradTile) {
    this.#tile = tile
    this.#readers = new Readers(graph)
    this.sources = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])))
  }

  /** The nodes for one convolution, under the name of its output. */
  convolution(node: Node, [k, c]: readonly [number, number]): Node[] {
    const nodes: Node[] = []
    const [x = '', weight = '', ...bias] = node.inputs
    const [output = ''] = node.outputs
    const step = (opType: string, inputs: readonly string[], suffix: string, attributes = {}): string => {
      const name = suffix === '' ? output : this.#readers.freshName(`${output}.${suffix}`)
      nodes.push({ name, opType, domain: '', inputs, outputs: [name], attributes })
      return name
    }
    const tile = this.#tile
    const side = tile + 2
    const count = side * side
    const square = (size: number): Attribute => ints([size, size])
    // [N, C, H, W] to [N, C * count, rows of tiles, columns of tiles]; the last tile may reach beyond the map.
    const tiles = step('Conv', [x, this.#repeated('input', c, [1, side, side])], 'tiles', {
      group: int(c),
      kernel_shape: square(side),
      strides: square(tile),
      pads: ints([1, 1, tile, tile]),
    })
    const byChannel = step('Reshape', [tiles, this.#shape([0, c, count, -1])], 'tiles_by_channel')
    const byNumber = step('Transpose', [byChannel], 'tiles_by_number', { perm: ints([0, 2, 1, 3]) })
    const products = step('MatMul', [this.#filter(weight, k, c, step), byNumber], 'products')
    const back = step('Transpose', [products], 'products_by_channel', { perm: ints([0, 2, 1, 3]) })
    const places = step('Shape', [tiles], 'places', { start: int(2) })
    const shape = step('Concat', [this.#shape([0, k * count]), places], 'shape', { axis: int(0) })
    const placed = step('Reshape', [back, shape], 'products_in_place')
    const whole = step(
      'ConvTranspose',
      [placed, this.#repeated('output', k, [1, tile, tile]), ...bias],
      'whole_tiles',
      {
        group: int(k),
        kernel_shape: square(tile),
        strides: square(tile),
      },
    )
    const size = step('Shape', [x], 'size', { start: int(2) })
    step('Slice', [whole, this.#shape([0, 0]), size, this.#shape([2, 3])], '')
    return nodes
  }

  /** The transformed weights [count, K, C]; once for convolutions that share theirs. */
  #filter(
    weight: string,
    k: number,
    c: number,
    step: (opType: string, inputs: readonly string[], suffix: string, attributes?: Record<string, Attribute>) => string,
  ): string {
    const known = this.#shared.get(weight)
    if (known) return known
    const count = (this.#tile + 2) ** 2
    const map = step('DequantizeLinear', this.#filterMap(count), 'filter_map', { axis: int(0) })
    const rows = step('Reshape', [weight, this.#shape([k * c, 9])], 'filter_rows')
    const products = step('Gemm', [map, rows], 'filter_products', { transB: int(1) })
    const filter = step('Reshape', [products, this.#shape([count, k, c])], 'filter')
    this.#shared.set(weight, filter)
    return filter
  }

  /** Runtimes compute with constants when they load, but not what is dequantised: see `winogradConvolutions`. */
  #filterMap(count: number): string[] {
    const { filter, filterScales } = winogradMaps(this.#tile)
    return [
      this.#constant('winograd.filter', () => tensorFrom(filter, [count, 9])),
      this.#constant('winograd.filter_scales', () => tensorFrom(filterScales)),
    ]
  }

  /** A transform of tiles, once for every channel. */
  #repeated(which: 'input' | 'output', channels: number, dims: readonly number[]): string {
    const count = (this.#tile + 2) ** 2
    return this.#constant(`winograd.${which}.${channels}`, () => {
      const map = winogradMaps(this.#tile)[which]
      const data = new Float32Array(channels * map.length)
      for (let channel = 0; channel < channels; channel++) data.set(map, channel * map.length)
      return tensorFrom(data, [channels * count, ...dims])
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
