import { showDims } from './dims.ts'
import type { Dim } from './model.ts'
import type { Inferred, ShapeContext, ShapeRule } from './shape-context.ts'
import { broadcast } from './tensor-shapes.ts'

/** Shape rules of the operators that compute: convolution, pooling, normalisation, matrix products, RoI pooling. */
export const LAYER_SHAPES: ReadonlyMap<string, ShapeRule> = new Map<string, ShapeRule>([
  ['Conv', conv],
  ['BatchNormalization', batchNormalization],
  ['MaxPool', pool],
  ['AveragePool', pool],
  ['GlobalAveragePool', globalPool],
  ['GlobalMaxPool', globalPool],
  ['Gemm', gemm],
  ['MatMul', matMul],
  ['RoiAlign', roiAlign],
  ['MaxRoiPool', maxRoiPool],
])

function conv(context: ShapeContext): Inferred[] {
  const [batch, channels, ...sizes] = context.ranked(0, 3, true)
  const [outChannels, groupChannels, ...kernel] = context.ranked(1, sizes.length + 2)
  const group = context.int('group', 1)
  const out = context.known(outChannels, 'output channels')
  const expected = context.known(groupChannels, 'input channels of the weight') * group
  if (context.known(channels, 'channels') !== expected) context.fail(`${expected} channels`, `${channels}`)
  if (!(group >= 1) || out % group !== 0) context.fail('a group that divides the output channels', String(group))
  if (context.optional(2)) context.perChannel(2, out)
  const kernelSize = kernel.map((size) => context.known(size, 'kernel'))
  const given = context.ints('kernel_shape') ?? kernelSize
  if (given.join() !== kernelSize.join()) context.fail(`kernel_shape ${kernelSize.join('x')}`, given.join('x'))
  const dataType = context.sameType(context.input(0), context.input(1), context.optional(2))
  return [{ dataType, dims: [batch as Dim, out, ...context.windowed(sizes, kernelSize)] }]
}

function batchNormalization(context: ShapeContext): Inferred[] {
  const dims = context.ranked(0, 2, true)
  const channels = context.known(dims[1], 'channels')
  for (const index of [1, 2, 3, 4]) context.perChannel(index, channels)
  return [{ dataType: context.floating(0), dims }]
}

function pool(context: ShapeContext): Inferred[] {
  const [batch, channels, ...sizes] = context.ranked(0, 3, true)
  const kernel = context.ints('kernel_shape') ?? context.fail('a kernel_shape', 'none')
  const dims = [batch as Dim, context.known(channels, 'channels'), ...context.windowed(sizes, kernel)]
  return [{ dataType: context.input(0).dataType, dims }]
}

function globalPool(context: ShapeContext): Inferred[] {
  const [batch, channels, ...sizes] = context.ranked(0, 3, true)
  return [{ dataType: context.floating(0), dims: [batch as Dim, channels as Dim, ...sizes.map(() => 1)] }]
}

function gemm(context: ShapeContext): Inferred[] {
  const left = context.ranked(0, 2)
  const right = context.ranked(1, 2)
  const [rows, inner] = context.int('transA', 0) === 0 ? left : [left[1], left[0]]
  const [depth, columns] = context.int('transB', 0) === 0 ? right : [right[1], right[0]]
  if (context.known(inner, 'inputs') !== context.known(depth, 'inputs of the weight')) {
    context.fail(`${depth} inputs`, `${inner}`)
  }
  const dims = [rows as Dim, context.known(columns, 'outputs')]
  const bias = context.optional(2)
  if (bias && bias.dims.length > 2) context.fail('a bias of at most 2 dimensions', showDims(bias.dims))
  if (bias && showDims(broadcast(context, dims, bias.dims)) !== showDims(dims)) {
    context.fail(`a bias that fits ${showDims(dims)}`, showDims(bias.dims))
  }
  return [{ dataType: context.sameType(context.input(0), context.input(1), bias), dims }]
}

function matMul(context: ShapeContext): Inferred[] {
  const left = context.ranked(0, 2, true)
  const right = context.ranked(1, 2, true)
  const inner = left.at(-1)
  const depth = right.at(-2)
  if (typeof inner === 'number' && typeof depth === 'number' && inner !== depth) {
    context.fail(`${depth} inputs`, `${inner}`)
  }
  const batch = broadcast(context, left.slice(0, -2), right.slice(0, -2))
  const dims = [...batch, left.at(-2) as Dim, right.at(-1) as Dim]
  return [{ dataType: context.sameType(context.input(0), context.input(1)), dims }]
}

function roiAlign(context: ShapeContext): Inferred[] {
  const size = [context.int('output_height', 1), context.int('output_width', 1)]
  const [count] = context.ranked(2, 1)
  return regions(context, 4, size, count)
}

function maxRoiPool(context: ShapeContext): Inferred[] {
  return regions(context, 5, context.ints('pooled_shape') ?? context.fail('a pooled_shape', 'none'), undefined)
}

function regions(context: ShapeContext, columns: number, size: readonly number[], count: Dim | undefined): Inferred[] {
  const channels = context.known(context.ranked(0, 4)[1], 'channels')
  const rois = context.ranked(1, 2)
  const [rows, width] = rois
  if (width !== columns) context.fail(`RoIs of shape [R, ${columns}]`, showDims(rois))
  if (typeof rows === 'number' && typeof count === 'number' && rows !== count) {
    context.fail(`${rows} batch indices, one per RoI`, String(count))
  }
  if (size.length !== 2 || size.some((side) => !(side >= 1))) context.fail('an output size of 2 sides', `[${size}]`)
  return [{ dataType: context.floating(0), dims: [rows as Dim, channels, ...size] }]
}
