import { unexpected } from '../errors.ts'
import { GraphBuilder, type Value } from '../onnx/graph.ts'
import { tensorFrom } from '../onnx/tensors.ts'
import type { Weights } from '../weights/weights.ts'

/**
 * Batch normalisation of a network's layers: as nodes of its own (`<layer>.bn.{weight,bias,running_mean,running_var}`),
 * or already folded into the layers (`<layer>.bias`, and `<layer>.{scale,bias}` where it stands before a layer).
 */
export type Norm = { readonly kind: 'batch'; readonly epsilon: number } | { readonly kind: 'folded' }

export interface ConvLayer {
  /** Side of the square kernel; the padding is half of it (times the dilation), so stride 1 keeps the size. */
  readonly kernel: number
  /** Default 1. */
  readonly stride?: number
  /** Cells between the points of the kernel; default 1. */
  readonly dilation?: number
  /** Groups of channels that do not see each other; default 1. */
  readonly group?: number
  /** Default: none, the layer has a bias. */
  readonly norm?: Norm
}

/** Layers with their weights: a layer's name is where its weights are, input channels come from the value it reads. */
export class LayerBuilder {
  readonly graph: GraphBuilder
  readonly #weights: Weights
  readonly #constants = new Map<string, Value>()
  readonly #activations = new Map<string, Value>()

  constructor(name: string, weights: Weights) {
    this.graph = new GraphBuilder(name)
    this.#weights = weights
  }

  /** Convolution with `<name>.weight` [outputs, inputs / group, k, k] and then its normalisation or `<name>.bias`. */
  conv(x: Value, name: string, outputs: number, layer: ConvLayer): Value {
    const { kernel, stride = 1, dilation = 1, group = 1, norm } = layer
    const weight = this.parameter(`${name}.weight`, [outputs, channelsOf(x) / group, kernel, kernel])
    const options = { stride, dilation, group, pads: Math.floor(kernel / 2) * dilation }
    if (norm?.kind !== 'batch') return this.graph.conv(x, weight, this.parameter(`${name}.bias`, [outputs]), options)
    return this.#batchNorm(this.graph.conv(x, weight, undefined, options), `${name}.bn`, norm.epsilon)
  }

  /** Fully connected layer on [N, inputs] with `<name>.weight` [outputs, inputs] and `<name>.bias`. */
  linear(x: Value, name: string, outputs: number): Value {
    const weight = this.parameter(`${name}.weight`, [outputs, channelsOf(x)])
    return this.graph.gemm(x, weight, this.parameter(`${name}.bias`, [outputs]))
  }

  /**
   * Pre-activation: relu of the normalised `x`. A folded pair is written as a BatchNormalization of mean 0 and variance 1,
   * because ONNX Runtime keeps that in its blocked layout, where Mul and Add would leave it. One name gives one node.
   */
  preact(x: Value, name: string, norm: Norm): Value {
    const existing = this.#activations.get(name)
    if (existing) return existing
    const normalised =
      norm.kind === 'batch' ? this.#batchNorm(x, `${name}.bn`, norm.epsilon) : this.#scaleAndShift(x, name)
    const value = this.graph.relu(normalised)
    this.#activations.set(name, value)
    return value
  }

  /** Mean over height and width: [N, C, H, W] to [N, C]. */
  pooledVector(x: Value): Value {
    return this.graph.flatten(this.graph.globalAveragePool(x))
  }

  /** A named weight; one that several layers share is stored once. */
  parameter(name: string, shape: readonly number[]): Value {
    return this.#constant(name, shape, () => this.#weights.tensor(name, shape))
  }

  #batchNorm(x: Value, name: string, epsilon: number): Value {
    const part = (field: string): Value => this.parameter(`${name}.${field}`, [channelsOf(x)])
    const [scale, bias, mean, variance] = [part('weight'), part('bias'), part('running_mean'), part('running_var')]
    return this.graph.batchNormalization(x, { scale, bias, mean, variance, epsilon })
  }

  #scaleAndShift(x: Value, name: string): Value {
    const channels = channelsOf(x)
    const scale = this.parameter(`${name}.scale`, [channels])
    const bias = this.parameter(`${name}.bias`, [channels])
    const mean = this.#constant(`zeros.${channels}`, [channels], () => new Float32Array(channels))
    const variance = this.#constant(`ones.${channels}`, [channels], () => new Float32Array(channels).fill(1))
    return this.graph.batchNormalization(x, { scale, bias, mean, variance, epsilon: 0 })
  }

  #constant(name: string, shape: readonly number[], make: () => Float32Array): Value {
    const existing = this.#constants.get(name)
    if (existing) return existing
    const value = this.graph.initializer(name, tensorFrom(make(), shape))
    this.#constants.set(name, value)
    return value
  }
}

/** The second dimension, which is a known number in every network of this folder. */
export function channelsOf(x: Value): number {
  const channels = x.dims[1]
  if (typeof channels !== 'number') throw unexpected(`the channels of ${x.name}`, 'a number', channels, 'GRAPH_INVALID')
  return channels
}
