import { unexpected } from '../errors.ts'
import { showDims } from './dims.ts'
import type { Dim, Model, Node } from './model.ts'
import type { Inferred } from './shape-context.ts'
import { inferNode } from './shape-rules.ts'
import { elementCount, integersOf } from './tensors.ts'

/** Sizes of the graph's inputs by name, for example `{ image: [1, 3, 480, 352] }`. */
export type InputDims = Readonly<Record<string, readonly number[]>>

/**
 * Type and dimensions of every value; free dimensions of the inputs stay names or expressions unless `inputDims` gives
 * sizes.
 *
 * @throws VertebraError `GRAPH_INVALID` when a node does not fit its inputs or has no shape rule
 */
export function inferValues(model: Model, inputDims: InputDims = {}): Map<string, Inferred> {
  const { inputs, initializers, nodes } = model.graph
  const values = new Map<string, Inferred>()
  for (const { name, dataType, dims } of inputs) {
    values.set(name, { dataType, dims: Object.hasOwn(inputDims, name) ? (inputDims[name] ?? dims) : dims })
  }
  for (const [name, tensor] of initializers) {
    const contents = tensor.dims.length < 2 ? integersOf(tensor) : undefined
    values.set(name, { dataType: tensor.dataType, dims: tensor.dims, ...(contents ? { contents } : {}) })
  }
  for (const node of nodes) {
    const outputs = inferNode(
      node,
      node.inputs.map((name) => values.get(name)),
      model.opset,
    )
    node.outputs.forEach((name, i) => {
      const output = outputs[i]
      if (output && name !== '') values.set(name, output)
    })
  }
  return values
}

/**
 * The dimensions of every value of a model when its inputs have the given sizes. Nothing is run.
 *
 * @throws VertebraError `GRAPH_INVALID` when a node does not fit; `INVALID_ARGUMENT` when `inputDims` lacks an input,
 *   names one that is not there, or contradicts the graph
 * @example
 * inferShapes(backbone, { image: [1, 3, 224, 224] }).get('c5')    // [1, 2048, 7, 7]
 */
export function inferShapes(model: Model, inputDims: InputDims): Map<string, readonly number[]> {
  checkInputDims(model, inputDims)
  const shapes = new Map<string, readonly number[]>()
  for (const [name, { dims }] of inferValues(model, inputDims)) {
    const sizes = dims.filter((dim) => typeof dim === 'number')
    if (sizes.length !== dims.length)
      throw unexpected(`value "${name}"`, 'known sizes', showDims(dims), 'GRAPH_INVALID')
    shapes.set(name, sizes)
  }
  return shapes
}

function checkInputDims(model: Model, inputDims: InputDims): void {
  const names = model.graph.inputs.map((input) => input.name)
  for (const name of Object.keys(inputDims)) {
    if (!names.includes(name)) throw unexpected('inputDims', `inputs of the graph (${names.join(', ')})`, name)
  }
  for (const { name, dims } of model.graph.inputs) {
    const given = Object.hasOwn(inputDims, name) ? inputDims[name] : undefined
    const fits = given?.length === dims.length && given.every((size, i) => matches(size, dims[i]))
    if (!fits) throw unexpected(`inputDims of "${name}"`, `sizes that fit ${showDims(dims)}`, given)
  }
}

function matches(size: number, dim: Dim | undefined): boolean {
  return Number.isSafeInteger(size) && size >= 0 && (typeof dim === 'string' || dim === size)
}

/** What it takes to run a model once. */
export interface OperationCount {
  /** Learned numbers: weights, biases, scales of batch norm; not its running statistics, not quantisation scales. */
  readonly parameters: number
  /** Multiply-adds of convolutions and matrix products. */
  readonly multiplyAdds: number
  /** The nodes that multiply, in order. */
  readonly perNode: readonly { readonly name: string; readonly opType: string; readonly multiplyAdds: number }[]
}

/**
 * Counts parameters, and multiply-adds at the given input sizes, as the ResNet paper counts "FLOPs" (He et al. 2016,
 * table 1): one multiplication with its addition is one.
 *
 * @throws VertebraError as `inferShapes`
 * @example
 * countOperations(resnet50, { image: [1, 3, 224, 224] }).multiplyAdds / 1e9    // 3.8
 */
export function countOperations(model: Model, inputDims: InputDims): OperationCount {
  const shapes = inferShapes(model, inputDims)
  const perNode = model.graph.nodes.flatMap((node) => {
    const multiplyAdds = multiplyAddsOf(node, (name) => shapes.get(name ?? '') ?? [])
    return multiplyAdds === undefined ? [] : [{ name: node.name, opType: node.opType, multiplyAdds }]
  })
  return {
    parameters: countParameters(model),
    multiplyAdds: perNode.reduce((sum, node) => sum + node.multiplyAdds, 0),
    perNode,
  }
}

function multiplyAddsOf(node: Node, shapeOf: (name: string | undefined) => readonly number[]): number | undefined {
  const outputs = elementCount(shapeOf(node.outputs[0]))
  // Each output of a convolution sums over one filter: channels of the group and the kernel.
  if (node.opType === 'Conv') return outputs * elementCount(shapeOf(node.inputs[1]).slice(1))
  if (node.opType === 'MatMul') return outputs * (shapeOf(node.inputs[0]).at(-1) ?? 0)
  if (node.opType !== 'Gemm') return undefined
  const rows = shapeOf(node.outputs[0])[0] ?? 0
  return rows * elementCount(shapeOf(node.inputs[1]))
}

function countParameters({ graph }: Model): number {
  const excluded = new Set<string>()
  for (const { opType, inputs } of graph.nodes) {
    if (opType === 'BatchNormalization') for (const name of inputs.slice(3)) excluded.add(name)
    if (/^(De)?[qQ]uantizeLinear$/.test(opType)) for (const name of inputs.slice(1)) excluded.add(name)
  }
  let count = 0
  for (const [name, { dataType, dims }] of graph.initializers) {
    const isLearned = /float|int8/.test(dataType) && !excluded.has(name)
    if (isLearned) count += elementCount(dims)
  }
  return count
}
