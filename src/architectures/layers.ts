import { checkChoice } from '../checks.ts'
import { unexpected } from '../errors.ts'
import { GraphBuilder, type Value } from '../onnx/graph.ts'
import { tensorFrom } from '../onnx/tensors.ts'
import type { Weights } from '../weights/weights.ts'

/**
 * Batch normalisation of a network's layers: as nodes of its own (`<layer>.bn.{weight,bias,running_mean,running_var}`),
 * or already folded into the layers (`<layer>.bias`, and `<layer>.{scale,bias}` where it stands before a layer).
 */
export type Norm = { readonly kind: 'batch'; readonly epsilon: number } | { readonly kind: 'folded' }

/** Throws `INVALID_ARGUMENT` for a normalisation that is none. */
export function checkNorm(norm: Norm): void {
  checkChoice('norm.kind', norm.kind, ['batch', 'folded'])
  if (norm.kind === 'batch' && !(norm.epsilon >= 0 && norm.epsilon < 1)) {
    throw unexpected('norm.epsilon', 'a number from 0 to below 1', norm.epsilon)
  }
}

export interface ConvLayer {
  /** Side of the square kernel. */
  readonly kernel: number
  /** Default 1. */
  readonly stride?: number
  /** Cells between the points of the kernel; default 1. */
  readonly dilation?: number
  /** Groups of channels that do not see each other; default 1. */
  readonly group?: number
  /** Zeros on every side; default: half the kernel (times the dilation), so stride 1 keeps the size. */
  readonly pads?: number
  /** Default: none. */
  readonly norm?: Norm
  /** Whether it has `<name>.bias`; default: unless batch normalisation follows as nodes of its own. */
  readonly bias?: boolean
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

  /** Convolution with `<name>.weight` [outputs, inputs / group, k, k] and `<name>.bias`, and then its normalisation. */
  conv(x: Value, name: string, outputs: number, layer: ConvLayer): Value {
    const { kernel, stride = 1, dilation = 1, group = 1, pads = Math.floor(kernel / 2) * dilation, norm } = layer
    const isBatch = norm?.kind === 'batch'
    const weight = this.parameter(`${name}.weight`, [outputs, channelsOf(x) / group, kernel, kernel])
    const bias = (layer.bias ?? !isBatch) ? this.parameter(`${name}.bias`, [outputs]) : undefined
    const y = this.graph.conv(x, weight, bias, { stride, dilation, group, pads })
    return isBatch ? this.#batchNorm(y, `${name}.bn`, norm.epsilon) : y
  }

  /** Convolution and ReLU. */
  convRelu(x: Value, name: string, outputs: number, layer: ConvLayer): Value {
    return this.graph.relu(this.conv(x, name, outputs, layer))
  }

  /** `x` with channels of zeros behind its own, up to `outputs`. */
  padChannels(x: Value, name: string, outputs: number): Value {
    const added = outputs - channelsOf(x)
    if (added === 0) return x
    const pads = this.graph.constant([0, 0, 0, 0, 0, added, 0, 0], `${name}.pads`)
    return this.graph.op('Pad', [x, pads], { name })
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

  /** The top of AlexNet and VGG: `<name>.fc6` and `<name>.fc7` with ReLU, then `<name>.fc8`; on [N, C, H, W], H and W known. */
  fullyConnectedTop(x: Value, name: string, hidden: number, classes: number): Value {
    const fc6 = this.graph.relu(this.linear(this.graph.flatten(x), `${name}.fc6`, hidden))
    const fc7 = this.graph.relu(this.linear(fc6, `${name}.fc7`, hidden))
    return this.linear(fc7, `${name}.fc8`, classes)
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
