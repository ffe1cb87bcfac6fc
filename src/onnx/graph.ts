import { float, int, ints, string } from './attributes.ts'
import { GraphCore, type Value } from './graph-core.ts'
import { type Attribute, DATA_TYPES, type DataType } from './model.ts'

export type { NodeOptions, Value } from './graph-core.ts'

/**
 * Cells around a map: one number for all sides, or top, left, bottom, right; `same` as TensorFlow: as many as ceil(size / stride)
 * windows need, on both sides, an odd one at the end.
 */
export type Pads = number | 'same' | readonly [top: number, left: number, bottom: number, right: number]

/** How a convolution or pooling window walks. */
export interface WindowOptions {
  /** Default 1. */
  readonly stride?: number | undefined
  /** Default 0. */
  readonly pads?: Pads | undefined
}

/** How a convolution's window moves over its map. */
export interface ConvOptions extends WindowOptions {
  /** Default 1. */
  readonly dilation?: number | undefined
  /** Channel groups; default 1. */
  readonly group?: number | undefined
}

/** The window of a pool, and how it moves over its map. */
export interface PoolOptions extends WindowOptions {
  /** Side of the square window. */
  readonly kernel: number
}

/** How boxes in pixels of the input are pooled from a map (He et al. 2017, arXiv:1703.06870). */
export interface RoiAlignOptions {
  /** Rows and columns of what each RoI gives. */
  readonly outputSize: readonly [height: number, width: number]
  /** Map cells per pixel of the boxes: 1 / stride. */
  readonly spatialScale: number
  /** Sampling points per bin and axis; 0 adapts to the size of the RoI. */
  readonly samplingRatio: number
  /** True shifts by half a pixel (Detectron2's `aligned`); false is the paper's and torchvision's default. */
  readonly aligned: boolean
}

/**
 * Builds an ONNX graph one operator at a time and checks each against its inputs, so that a mistake is reported where
 * it is made. Maps are NCHW; heights and widths may be free (named) dimensions, channels are always known numbers.
 * Names are deterministic: the same calls give the same bytes.
 *
 * Every method throws VertebraError `GRAPH_INVALID`, with the node and all shapes, when inputs do not fit.
 *
 * @example
 * const graph = new GraphBuilder('tiny')
 * const image = graph.input('image', 'float32', [1, 3, 'H', 'W'])
 * const weight = graph.initializer('conv1.weight', tensorFrom(new Float32Array(8 * 3 * 3 * 3), [8, 3, 3, 3]))
 * graph.output(graph.relu(graph.conv(image, weight, undefined, { stride: 2, pads: 1 })), 'c1')
 * const bytes = encodeModel(graph.build())     // c1: [1, 8, ceil(H/2), ceil(W/2)]
 */
export class GraphBuilder extends GraphCore {
  /** Convolution of `x` [N, C, H, W] with `weight` [out, C / group, kh, kw] and an optional `bias` [out]. */
  conv(x: Value, weight: Value, bias?: Value, options: ConvOptions = {}): Value {
    const { stride = 1, dilation = 1, group = 1, pads } = options
    const kernel = weight.dims.slice(2).map((size) => (typeof size === 'number' ? size : 0))
    return this.op('Conv', bias ? [x, weight, bias] : [x, weight], {
      attributes: {
        kernel_shape: ints(kernel),
        strides: ints([stride, stride]),
        ...padAttributes(pads),
        dilations: ints([dilation, dilation]),
        group: int(group),
      },
    })
  }

  /** Inference form: (x - mean) / sqrt(variance + epsilon) * scale + bias, each of [C]; `epsilon` default 1e-5. */
  batchNormalization(
    x: Value,
    parameters: { scale: Value; bias: Value; mean: Value; variance: Value; epsilon?: number | undefined },
  ): Value {
    const { scale, bias, mean, variance, epsilon = 1e-5 } = parameters
    return this.op('BatchNormalization', [x, scale, bias, mean, variance], { attributes: { epsilon: float(epsilon) } })
  }

  relu(x: Value): Value {
    return this.op('Relu', [x])
  }

  sigmoid(x: Value): Value {
    return this.op('Sigmoid', [x])
  }

  /** Softmax over one axis; default the last. */
  softmax(x: Value, axis = -1): Value {
    return this.op('Softmax', [x], { attributes: { axis: int(axis) } })
  }

  /** Largest value under a square window. Never in ceil mode: padding at the end gives the same and runs everywhere. */
  maxPool(x: Value, { kernel, stride = 1, pads }: PoolOptions): Value {
    return this.op('MaxPool', [x], { attributes: windowAttributes(kernel, stride, pads) })
  }

  /** Mean under a square window; padding counts as zeros only when `countPadding` is true (default false). */
  averagePool(x: Value, options: PoolOptions & { readonly countPadding?: boolean | undefined }): Value {
    const { kernel, stride = 1, pads, countPadding = false } = options
    return this.op('AveragePool', [x], {
      attributes: { ...windowAttributes(kernel, stride, pads), count_include_pad: int(countPadding ? 1 : 0) },
    })
  }

  /** Mean of each channel: [N, C, H, W] to [N, C, 1, 1]. */
  globalAveragePool(x: Value): Value {
    return this.op('GlobalAveragePool', [x])
  }

  /** a + b; shapes are aligned at the last axis and 1 stretches. */
  add(a: Value, b: Value): Value {
    return this.op('Add', [a, b])
  }

  /** a - b, stretched as in `add`. */
  sub(a: Value, b: Value): Value {
    return this.op('Sub', [a, b])
  }

  /** a * b, stretched as in `add`. */
  mul(a: Value, b: Value): Value {
    return this.op('Mul', [a, b])
  }

  /** Fully connected layer: `x` [N, in] with `weight` [out, in] (as PyTorch stores it) and an optional `bias` [out]. */
  gemm(x: Value, weight: Value, bias?: Value): Value {
    return this.op('Gemm', bias ? [x, weight, bias] : [x, weight], { attributes: { transB: int(1) } })
  }

  /** Matrix product of the last two axes. */
  matMul(a: Value, b: Value): Value {
    return this.op('MatMul', [a, b])
  }

  /** Two dimensions: the product of those before `axis` (default 1) and of those from it on. */
  flatten(x: Value, axis = 1): Value {
    return this.op('Flatten', [x], { attributes: { axis: int(axis) } })
  }

  /** Another shape for the same elements: 0 keeps the input's size on that axis, one -1 takes what is left. */
  reshape(x: Value, dims: readonly number[]): Value {
    return this.op('Reshape', [x, this.constant(dims, 'shape')])
  }

  /** Axes in another order: axis i of the result is axis `order[i]` of `x`. */
  transpose(x: Value, order: readonly number[]): Value {
    return this.op('Transpose', [x], { attributes: { perm: ints(order) } })
  }

  concat(values: readonly Value[], axis: number): Value {
    return this.op('Concat', values, { attributes: { axis: int(axis) } })
  }

  /** Elements start, start + step, … before `end` on each of the axes; negative counts from the end. */
  slice(x: Value, ranges: readonly { axis: number; start?: number; end?: number; step?: number }[]): Value {
    const column = (name: string, pick: (range: (typeof ranges)[number]) => number): Value =>
      this.constant(ranges.map(pick), name)
    return this.op('Slice', [
      x,
      column('starts', ({ start = 0 }) => start),
      column('ends', ({ end = 0x7fffffff }) => end),
      column('axes', ({ axis }) => axis),
      column('steps', ({ step = 1 }) => step),
    ])
  }

  /** Rows of `x` along `axis` in the order of the int64 `indices`. */
  gather(x: Value, indices: Value, axis = 0): Value {
    return this.op('Gather', [x, indices], { attributes: { axis: int(axis) } })
  }

  /**
   * `x` enlarged to the height and width of `like` by repeating cells: cell i of the result is cell
   * floor(i * in / out) of `x`, as PyTorch's `interpolate(mode='nearest')` to a size.
   */
  resizeNearestTo(x: Value, like: Value): Value {
    const isFixed = [...x.dims.slice(0, 2), ...like.dims.slice(2)].every((dim) => typeof dim === 'number')
    const sizes = isFixed
      ? this.constant([...x.dims.slice(0, 2), ...like.dims.slice(2)].map(Number), 'sizes')
      : this.concat([this.shape(x, 0, 2), this.shape(like, 2, 4)], 0)
    return this.op('Resize', [x, undefined, undefined, sizes], {
      attributes: {
        mode: string('nearest'),
        coordinate_transformation_mode: string('asymmetric'),
        nearest_mode: string('floor'),
      },
    })
  }

  /** The dimensions from `start` up to `end` as a one-dimensional int64 value. */
  shape(x: Value, start = 0, end: number = x.dims.length): Value {
    return this.op('Shape', [x], { attributes: { start: int(start), end: int(end) } })
  }

  /**
   * RoIAlign (He et al. 2017) with averaging: `rois` [R, 4] as x1, y1, x2, y2 in pixels and `batchIndices` int64 [R],
   * to [R, C, height, width].
   */
  roiAlign(x: Value, rois: Value, batchIndices: Value, options: RoiAlignOptions): Value {
    const [height, width] = options.outputSize
    return this.op('RoiAlign', [x, rois, batchIndices], {
      attributes: {
        mode: string('avg'),
        output_height: int(height),
        output_width: int(width),
        sampling_ratio: int(options.samplingRatio),
        spatial_scale: float(options.spatialScale),
        coordinate_transformation_mode: string(options.aligned ? 'half_pixel' : 'output_half_pixel'),
      },
    })
  }

  /** RoIPool (Girshick 2015): `rois` [R, 5] as batch index, x1, y1, x2, y2 in pixels, to [R, C, height, width]. */
  maxRoiPool(x: Value, rois: Value, options: Pick<RoiAlignOptions, 'outputSize' | 'spatialScale'>): Value {
    return this.op('MaxRoiPool', [x, rois], {
      attributes: { pooled_shape: ints(options.outputSize), spatial_scale: float(options.spatialScale) },
    })
  }

  /** Mean over `axes`, which become 1 (`keepDims`, default true) or vanish. */
  reduceMean(x: Value, axes: readonly number[], keepDims = true): Value {
    return this.op('ReduceMean', [x], { attributes: { axes: ints(axes), keepdims: int(keepDims ? 1 : 0) } })
  }

  cast(x: Value, to: DataType): Value {
    return this.op('Cast', [x], { attributes: { to: int(DATA_TYPES[to]) } })
  }

  /** round(x / scale) + zeroPoint, saturated to the zero point's type; a scale [C] goes along `axis`. */
  quantizeLinear(x: Value, scale: Value, zeroPoint: Value, axis = 1): Value {
    return this.op('QuantizeLinear', [x, scale, zeroPoint], { attributes: { axis: int(axis) } })
  }

  /** (x - zeroPoint) * scale; a scale [C] goes along `axis`, the zero point is 0 where left out. */
  dequantizeLinear(x: Value, scale: Value, zeroPoint?: Value, axis = 1): Value {
    return this.op('DequantizeLinear', zeroPoint ? [x, scale, zeroPoint] : [x, scale], {
      attributes: { axis: int(axis) },
    })
  }

  identity(x: Value): Value {
    return this.op('Identity', [x])
  }
}

function windowAttributes(kernel: number, stride: number, pads: Pads | undefined): Record<string, Attribute> {
  return {
    kernel_shape: ints([kernel, kernel]),
    strides: ints([stride, stride]),
    ...padAttributes(pads),
  }
}

function padAttributes(pads: Pads = 0): Record<string, Attribute> {
  if (pads === 'same') return { auto_pad: string('SAME_UPPER') }
  return { pads: ints(typeof pads === 'number' ? [pads, pads, pads, pads] : pads) }
}
