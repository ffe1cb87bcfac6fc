import { ceilDivide, productDims, quotientDims, showDims, sumDims } from './dims.ts'
import type { Dim } from './model.ts'
import type { Inferred, ShapeContext, ShapeRule } from './shape-context.ts'
import { dataTypeOf } from './tensors.ts'

/** Shape rules of the operators that work element by element or only move elements. */
export const TENSOR_SHAPES: ReadonlyMap<string, ShapeRule> = new Map<string, ShapeRule>([
  ...['Relu', 'Sigmoid', 'Softmax', 'Clip', 'LeakyRelu', 'LRN', 'Dropout', 'Exp', 'Sqrt'].map(
    (opType): [string, ShapeRule] => [opType, unchanged],
  ),
  ['Identity', (context) => [context.input(0)]],
  ...['Add', 'Sub', 'Mul', 'Div'].map((opType): [string, ShapeRule] => [opType, elementwise]),
  ['Cast', cast],
  ['QuantizeLinear', quantizeLinear],
  ['DequantizeLinear', dequantizeLinear],
  ['Shape', shape],
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Transpose', transpose],
  ['Unsqueeze', unsqueeze],
  ['Squeeze', squeeze],
  ['Concat', concat],
  ['Pad', pad],
  ['Slice', slice],
  ['Gather', gather],
  ['Resize', resize],
  ['ReduceMean', reduceMean],
])

/** The shape of two values joined element by element: aligned at the last axis, 1 stretches. */
export function broadcast(context: ShapeContext, a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length] ?? 1
    const right = b[i - rank + b.length] ?? 1
    if (left === right || right === 1) return left
    if (left === 1) return right
    if (typeof left === 'number' && typeof right === 'number') {
      return context.fail('shapes that fit each other', `${showDims(a)} and ${showDims(b)}`)
    }
    return typeof left === 'number' ? left : right
  })
}

function unchanged(context: ShapeContext): Inferred[] {
  const { dataType, dims } = context.input(0)
  return [{ dataType, dims }]
}

function elementwise(context: ShapeContext): Inferred[] {
  const [a, b] = [context.input(0), context.input(1)]
  return [{ dataType: context.sameType(a, b), dims: broadcast(context, a.dims, b.dims) }]
}

function cast(context: ShapeContext): Inferred[] {
  const to = context.int('to', 0)
  const dataType = dataTypeOf(to) ?? context.fail('a known element type', String(to))
  return [{ ...context.input(0), dataType }]
}

function quantizeLinear(context: ShapeContext): Inferred[] {
  checkScale(context)
  return [{ dataType: context.optional(2)?.dataType ?? 'uint8', dims: context.input(0).dims }]
}

function dequantizeLinear(context: ShapeContext): Inferred[] {
  checkScale(context)
  const point = context.optional(2)
  if (point) context.sameType(context.input(0), point)
  return [{ dataType: context.floating(1), dims: context.input(0).dims }]
}

function checkScale(context: ShapeContext): void {
  const { dims } = context.input(0)
  const scale = context.input(1).dims
  if (scale.length === 0) return
  if (scale.length !== 1) context.fail('a scale of one number, or one per channel', showDims(scale))
  if (scale[0] === 1 && dims.length === 0) return
  context.perChannel(1, context.known(dims[context.axis(context.int('axis', 1), dims.length)], 'channels'))
}

function shape(context: ShapeContext): Inferred[] {
  const { dims } = context.input(0)
  const contents = dims.slice(context.int('start', 0), context.int('end', dims.length))
  return [{ dataType: 'int64', dims: [contents.length], contents }]
}

function reshape(context: ShapeContext): Inferred[] {
  const { dataType, dims } = context.input(0)
  const keepsZero = context.int('allowzero', 0) === 1
  const wanted = context.contents(1).map((size, i) => (size === 0 && !keepsZero ? (dims[i] ?? 0) : size))
  const free = wanted.filter((size) => size === -1).length
  if (free > 1 || wanted.some((size) => typeof size === 'number' && size < -1)) {
    context.fail('a shape with at most one -1', showDims(wanted))
  }
  const rest = wanted.filter((size) => size !== -1)
  const missing = quotientDims(dims, rest)
  const whole = productDims(dims)
  const fits = free === 1 ? missing !== undefined : productDims(rest) === whole || typeof missing === 'string'
  if (!fits) context.fail(`a shape of ${whole} elements`, showDims(wanted))
  return [{ dataType, dims: wanted.map((size) => (size === -1 && missing !== undefined ? missing : size)) }]
}

function flatten(context: ShapeContext): Inferred[] {
  const { dataType, dims } = context.input(0)
  const given = context.int('axis', 1)
  const axis = given === dims.length ? given : context.axis(given, dims.length)
  return [{ dataType, dims: [productDims(dims.slice(0, axis)), productDims(dims.slice(axis))] }]
}

function transpose(context: ShapeContext): Inferred[] {
  const { dataType, dims } = context.input(0)
  const order = context.ints('perm') ?? dims.map((_, i) => dims.length - 1 - i)
  if (order.length !== dims.length || new Set(order).size !== order.length) {
    context.fail(`an order of ${dims.length} axes`, `[${order.join(', ')}]`)
  }
  return [{ dataType, dims: order.map((axis) => dims[context.axis(axis, dims.length)] as Dim) }]
}

function unsqueeze(context: ShapeContext): Inferred[] {
  const { dataType, dims, contents } = context.input(0)
  const axes = context.integers('axes', 1) ?? context.fail('axes', 'none')
  const rank = dims.length + axes.length
  const added = new Set(axes.map((axis) => context.axis(axis, rank)))
  const rest = [...dims]
  const result = Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (rest.shift() ?? 1)))
  return [{ dataType, dims: result, ...(contents && rank === 1 ? { contents } : {}) }]
}

function squeeze(context: ShapeContext): Inferred[] {
  const { dataType, dims, contents } = context.input(0)
  const given = context.integers('axes', 1)?.map((axis) => context.axis(axis, dims.length))
  const axes = new Set(given ?? dims.flatMap((dim, i) => (dim === 1 ? [i] : [])))
  const kept = dims.filter((dim, i) => {
    if (axes.has(i) && typeof dim === 'number' && dim !== 1) context.fail(`size 1 on axis ${i}`, String(dim))
    return !axes.has(i)
  })
  return [{ dataType, dims: kept, ...(contents ? { contents } : {}) }]
}

function concat(context: ShapeContext): Inferred[] {
  const inputs = context.inputs()
  const { dims } = context.input(0)
  const axis = context.axis(context.int('axis', 0), dims.length)
  for (const input of inputs) {
    const fits = input.dims.every((dim, i) => {
      const other = dims[i]
      return i === axis || typeof dim === 'string' || typeof other === 'string' || dim === other
    })
    if (input.dims.length !== dims.length || !fits) {
      context.fail(`shapes equal but for axis ${axis}`, `${showDims(dims)} and ${showDims(input.dims)}`)
    }
  }
  const joined = dims.map((dim, i) => (i === axis ? sumDims(inputs.map((input) => input.dims[axis] as Dim)) : dim))
  const contents = inputs.every((input) => input.contents) ? inputs.flatMap((input) => input.contents ?? []) : undefined
  return [{ dataType: context.sameType(...inputs), dims: joined, ...(contents ? { contents } : {}) }]
}

function pad(context: ShapeContext): Inferred[] {
  const { dataType, dims } = context.input(0)
  const rank = dims.length
  const pads = context.integers('pads', 1) ?? context.fail('pads', 'none')
  if (pads.length !== 2 * rank) context.fail(`${2 * rank} pads`, `[${pads.join(', ')}]`)
  if (context.optional(3)) context.fail('pads of all axes', 'axes')
  const padded = dims.map((dim, i) => sumDims([dim, (pads[i] as number) + (pads[i + rank] as number)]))
  if (padded.some((dim) => typeof dim === 'number' && dim < 0)) context.fail('sizes of 0 and more', showDims(padded))
  return [{ dataType, dims: padded }]
}

function slice(context: ShapeContext): Inferred[] {
  const { dataType, dims, contents } = context.input(0)
  const starts = context.integers('starts', 1) ?? context.fail('starts', 'none')
  const ends = context.integers('ends', 2) ?? context.fail('ends', 'none')
  const axes = context.integers('axes', 3) ?? starts.map((_, i) => i)
  const steps = context.integers('steps', 4) ?? starts.map(() => 1)
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    context.fail('starts, ends, axes and steps of one length', `${[starts, ends, axes, steps].map((v) => v.length)}`)
  }
  const result = [...dims]
  let kept = contents
  axes.forEach((given, i) => {
    const axis = context.axis(given, dims.length)
    const range = { start: starts[i] as number, end: ends[i] as number, step: steps[i] as number }
    result[axis] = sliceSize(context, dims[axis] as Dim, range)
    kept = kept && range.step === 1 ? kept.slice(range.start, range.end) : undefined
  })
  return [{ dataType, dims: result, ...(kept ? { contents: kept } : {}) }]
}

interface Range {
  readonly start: number
  readonly end: number
  readonly step: number
}

function sliceSize(context: ShapeContext, size: Dim, { start, end, step }: Range): Dim {
  if (step < 1) context.fail('a step of 1 or more', String(step))
  if (typeof size === 'number') {
    const from = Math.min(size, start < 0 ? Math.max(0, start + size) : start)
    const to = Math.min(size, end < 0 ? end + size : end)
    return Math.max(0, Math.ceil((to - from) / step))
  }
  const isWhole = start === 0 && end >= 0x7fffffff
  if (isWhole) return ceilDivide(size, step)
  return `slice(${size},${start},${end},${step})`
}

function gather(context: ShapeContext): Inferred[] {
  const { dataType, dims, contents } = context.input(0)
  const indices = context.input(1)
  const axis = context.axis(context.int('axis', 0), dims.length)
  const result = [...dims.slice(0, axis), ...indices.dims, ...dims.slice(axis + 1)]
  if (!contents || !indices.contents) return [{ dataType, dims: result }]
  const picked = indices.contents.map((index) => {
    const value = contents.at(context.known(index, 'an index'))
    return value ?? context.fail(`an index into ${contents.length} elements`, String(index))
  })
  return [{ dataType, dims: result, contents: picked }]
}

function resize(context: ShapeContext): Inferred[] {
  const { dataType, dims } = context.input(0)
  if (!context.optional(3)) context.fail('sizes (input 3)', 'scales only')
  const sizes = context.contents(3)
  if (sizes.length !== dims.length) context.fail(`${dims.length} sizes`, showDims(sizes))
  return [{ dataType, dims: sizes }]
}

function reduceMean(context: ShapeContext): Inferred[] {
  const { dims } = context.input(0)
  const axes = new Set(
    (context.integers('axes', 1) ?? dims.map((_, i) => i)).map((axis) => context.axis(axis, dims.length)),
  )
  const keeps = context.int('keepdims', 1) === 1
  const result = dims.flatMap((dim, i) => (axes.has(i) ? (keeps ? [1] : []) : [dim]))
  return [{ dataType: context.floating(0), dims: result }]
}
