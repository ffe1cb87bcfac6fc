import type { Dim } from './model.ts'

/**
 * Arithmetic on dimensions of which some are free. A free dimension is a name (`H`) or an expression over names in
 * plain notation (`ceil(H/4)`), so that the shapes in a file can be read by people and equal shapes get equal names.
 */

/** How a window (a kernel) walks over one axis. `padding` is the sum of both sides. */
export interface Window {
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  readonly padding: number
}

/** Positions of a window on an axis of `size`: floor((size + padding - extent) / stride) + 1. */
export function windowCount(size: Dim, { kernel, stride, dilation, padding }: Window): Dim {
  const extent = (kernel - 1) * dilation + 1
  const offset = padding - extent + stride
  if (typeof size === 'number') return Math.floor((size + offset) / stride)
  if (stride === 1) return sumDims([size, offset])
  if (offset === stride - 1) return ceilDivide(size, stride)
  if (offset === 0) return `floor(${operand(size)}/${stride})`
  return `floor((${sumDims([size, offset])})/${stride})`
}

/** ceil(size / divisor); ceil(ceil(H/2)/2) becomes ceil(H/4). */
export function ceilDivide(size: Dim, divisor: number): Dim {
  if (typeof size === 'number') return Math.ceil(size / divisor)
  if (divisor === 1) return size
  const inner = /^ceil\(([^()]+)\/(\d+)\)$/.exec(size)
  if (inner) return `ceil(${inner[1]}/${Number(inner[2]) * divisor})`
  return `ceil(${operand(size)}/${divisor})`
}

/** The sum of dimensions. */
export function sumDims(dims: readonly Dim[]): Dim {
  let constant = 0
  const names: string[] = []
  for (const dim of dims) {
    if (typeof dim === 'number') constant += dim
    else names.push(dim)
  }
  if (names.length === 0) return constant
  const sum = names.join('+')
  return constant === 0 ? sum : `${sum}${constant > 0 ? '+' : '-'}${Math.abs(constant)}`
}

/** The product of dimensions. */
export function productDims(dims: readonly Dim[]): Dim {
  return render(factorsOf(dims))
}

/**
 * The product of `dims` divided by that of `divisors`; undefined when that is known not to be a whole number.
 * An expression is the answer when it cannot be known.
 */
export function quotientDims(dims: readonly Dim[], divisors: readonly Dim[]): Dim | undefined {
  const above = factorsOf(dims)
  const below = factorsOf(divisors)
  const names = [...above.names]
  const rest: string[] = []
  for (const name of below.names) {
    const at = names.indexOf(name)
    if (at >= 0) names.splice(at, 1)
    else rest.push(name)
  }
  if (rest.length === 0 && below.constant !== 0 && above.constant % below.constant === 0) {
    return render({ constant: above.constant / below.constant, names })
  }
  if (names.length === 0 && rest.length === 0) return undefined
  const top = operand(render({ constant: above.constant, names }))
  return `${top}/${operand(render({ constant: below.constant, names: rest }))}`
}

interface Factors {
  readonly constant: number
  readonly names: readonly string[]
}

function factorsOf(dims: readonly Dim[]): Factors {
  let constant = 1
  const names: string[] = []
  for (const dim of dims) {
    if (typeof dim === 'number') constant *= dim
    else names.push(dim)
  }
  return { constant, names }
}

function render({ constant, names }: Factors): Dim {
  if (names.length === 0 || constant === 0) return constant
  const [only] = names
  if (constant === 1 && names.length === 1 && only !== undefined) return only
  const product = names.map(operand).join('*')
  return constant === 1 ? product : `${constant}*${product}`
}

/** The expression in parentheses unless it is a name, a number or one call. */
function operand(dim: Dim): string {
  return typeof dim === 'number' || /^(?:\w+|(?:ceil|floor)\([^()]*\))$/.test(dim) ? String(dim) : `(${dim})`
}

/** Dimensions as people write them: `[1, 64, ceil(H/4), ceil(W/4)]`. */
export function showDims(dims: readonly Dim[]): string {
  return `[${dims.join(', ')}]`
}
