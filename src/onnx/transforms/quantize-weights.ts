import { unexpected } from '../../errors.ts'
import { int } from '../attributes.ts'
import type { Graph, Model, Node, Tensor } from '../model.ts'
import { elementCount, float32Of, tensorFrom } from '../tensors.ts'
import { outputChannelAxis } from './int8-weights.ts'
import { Readers } from './readers.ts'

/** Which weights become int8. */
export interface QuantizeOptions {
  /** Weights of fewer elements stay float32; default 1024. */
  readonly minimumElements?: number | undefined
}

/**
 * The stored form of weights: the float32 weights of Conv, Gemm and MatMul become int8, symmetric per output channel
 * (scale = largest magnitude / 127), behind a DequantizeLinear that gives the weight under its old name. The int8
 * tensor is called `<name>.int8`, the scales `<name>.scale`. Biases and small tensors stay float32.
 *
 * Weights that came from int8 by the same rule (`dequantizeWeights`) become exactly the numbers they were.
 *
 * @throws VertebraError `GRAPH_INVALID` for a weight that is not finite
 * @example
 * await writeFile('backbone.onnx', encodeModel(quantizeWeights(backbone)))    // a quarter of the size
 */
export function quantizeWeights(model: Model, { minimumElements = 1024 }: QuantizeOptions = {}): Model {
  const { graph } = model
  const readers = new Readers(graph)
  const initializers = new Map<string, Tensor>()
  const nodes: Node[] = []
  const axes = weightAxes(graph)
  for (const [name, tensor] of graph.initializers) {
    const axis = axes.get(name)
    if (axis === undefined || tensor.dataType !== 'float32' || elementCount(tensor.dims) < minimumElements) {
      initializers.set(name, tensor)
      continue
    }
    const { values, scales } = quantizeTensor(name, tensor, axis)
    const [valuesName, scalesName] = [readers.freshName(`${name}.int8`), readers.freshName(`${name}.scale`)]
    initializers.set(valuesName, values).set(scalesName, scales)
    nodes.push({
      name: `${name}.dequantize`,
      opType: 'DequantizeLinear',
      domain: '',
      inputs: [valuesName, scalesName],
      outputs: [name],
      attributes: { axis: int(axis) },
    })
  }
  return { ...model, graph: { ...graph, nodes: [...nodes, ...graph.nodes], initializers } }
}

/** The output-channel axis of each constant that is nothing but a weight, on the same axis for all its readers. */
function weightAxes(graph: Graph): Map<string, number> {
  const axes = new Map<string, number>()
  const others = new Set(graph.outputs.map((output) => output.name))
  for (const node of graph.nodes) {
    node.inputs.forEach((name, i) => {
      const axis = i === 1 ? outputChannelAxis(node, graph.initializers.get(name)) : undefined
      if (axis === undefined || (axes.get(name) ?? axis) !== axis) others.add(name)
      else axes.set(name, axis)
    })
  }
  for (const name of others) axes.delete(name)
  return axes
}

function quantizeTensor(name: string, tensor: Tensor, axis: number): { values: Tensor; scales: Tensor } {
  const source = float32Of(tensor)
  const channels = tensor.dims[axis] ?? 0
  const inner = elementCount(tensor.dims.slice(axis + 1))
  const outer = elementCount(tensor.dims.slice(0, axis))
  const values = new Int8Array(source.length)
  const scales = new Float32Array(channels)
  const channel = new Float32Array(outer * inner)
  for (let c = 0; c < channels; c++) {
    for (let o = 0; o < outer; o++) {
      const start = (o * channels + c) * inner
      channel.set(source.subarray(start, start + inner), o * inner)
    }
    const scale = scaleOf(channel)
    if (!Number.isFinite(scale))
      throw unexpected(`weight "${name}"`, 'finite numbers', `${scale} in channel ${c}`, 'GRAPH_INVALID')
    scales[c] = scale
    for (let o = 0; o < outer; o++) {
      const start = (o * channels + c) * inner
      for (let i = 0; i < inner; i++) values[start + i] = quantize(channel[o * inner + i] as number, scale)
    }
  }
  return { values: tensorFrom(values, tensor.dims), scales: tensorFrom(scales) }
}

/** Rounded as Math.round does it, in a third of its time: it differs only just below 0.5, where no quotient of two float32 lies. */
function quantize(value: number, scale: number): number {
  return Math.max(-127, Math.min(127, Math.floor(value / scale + 0.5)))
}

/**
 * Largest magnitude / 127. Rounding makes that one unit off in the last place now and then for a channel that was
 * made from int8, so the neighbours are tried for one that gives every weight back exactly.
 */
function scaleOf(channel: Float32Array): number {
  let largest = 0
  for (let i = 0; i < channel.length; i++) largest = Math.max(largest, Math.abs(channel[i] as number))
  const scale = Math.fround(largest / 127)
  if (scale === 0) return 1
  const unit = scale * 2 ** -24
  const candidates = [scale, Math.fround(scale + 1.5 * unit), Math.fround(scale - 1.5 * unit)]
  return candidates.find((candidate) => restores(channel, candidate)) ?? scale
}

function restores(channel: Float32Array, scale: number): boolean {
  for (let i = 0; i < channel.length; i++) {
    const value = channel[i] as number
    if (Math.fround(quantize(value, scale) * scale) !== value) return false
  }
  return true
}
