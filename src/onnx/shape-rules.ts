import { VertebraError } from '../errors.ts'
import { LAYER_SHAPES } from './layer-shapes.ts'
import type { Node } from './model.ts'
import { type Inferred, ShapeContext } from './shape-context.ts'
import { TENSOR_SHAPES } from './tensor-shapes.ts'

/**
 * What a node gives: type and dimensions of each output, free dimensions as expressions.
 *
 * @param inputs what is known of each input; undefined for one left out
 * @throws VertebraError `GRAPH_INVALID` when the inputs do not fit the operator, or no rule for it exists
 */
export function inferNode(node: Node, inputs: readonly (Inferred | undefined)[], opset: number): readonly Inferred[] {
  const rule = node.domain === '' ? (LAYER_SHAPES.get(node.opType) ?? TENSOR_SHAPES.get(node.opType)) : undefined
  if (!rule) {
    const operator = node.domain ? `${node.domain}.${node.opType}` : node.opType
    throw new VertebraError('GRAPH_INVALID', `No shape rule for operator ${operator} of node "${node.name}".`, {
      value: node,
    })
  }
  return rule(new ShapeContext(node, inputs, opset))
}
