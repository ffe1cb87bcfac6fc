import { unexpected } from '../../errors.ts'
import { int } from '../attributes.ts'
import { floatBitsToHalf, MAX_HALF } from '../half.ts'
import { DATA_TYPES, type Model, type Node, type Tensor } from '../model.ts'
import { elementCount, float32Of } from '../tensors.ts'
import { Readers } from './readers.ts'

/** Weights of fewer elements stay as they are: they are no size, and scales and biases matter more. */
const MINIMUM_ELEMENTS = 1024

/**
 * The stored form of weights with half the size: float32 constants of two and more dimensions become float16, called
 * `<name>.half`, behind a Cast that gives them back as float32 under their old name. Runtimes do that once, when they load
 * the graph.
 *
 * @throws VertebraError `GRAPH_INVALID` for a weight beyond 65504, the largest float16
 * @example
 * await writeFile('backbone.onnx', encodeModel(halveWeights(backbone)))    // half the size
 */
export function halveWeights(model: Model): Model {
  const { graph } = model
  const readers = new Readers(graph)
  const initializers = new Map<string, Tensor>()
  const nodes: Node[] = []
  for (const [name, tensor] of graph.initializers) {
    const { dataType, dims } = tensor
    if (dataType !== 'float32' || dims.length < 2 || elementCount(dims) < MINIMUM_ELEMENTS) {
      initializers.set(name, tensor)
      continue
    }
    const half = readers.freshName(`${name}.half`)
    initializers.set(half, {
      dataType: 'float16',
      dims,
      // Made when they are written, and not kept.
      get bytes() {
        return halves(name, tensor)
      },
    })
    nodes.push({
      name: `${name}.cast`,
      opType: 'Cast',
      domain: '',
      inputs: [half],
      outputs: [name],
      attributes: { to: int(DATA_TYPES.float32) },
    })
  }
  return { ...model, graph: { ...graph, nodes: [...nodes, ...graph.nodes], initializers } }
}

function halves(name: string, tensor: Tensor): Uint8Array {
  const values = float32Of(tensor)
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const bytes = new Uint8Array(values.length * 2)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < bits.length; i++) {
    const half = floatBitsToHalf(bits[i] as number)
    if ((half & 0x7c00) === 0x7c00) {
      throw unexpected(
        `weight "${name}"`,
        `numbers up to ${MAX_HALF}, as float16 has them,`,
        values[i],
        'GRAPH_INVALID',
      )
    }
    view.setUint16(i * 2, half, true)
  }
  return bytes
}
