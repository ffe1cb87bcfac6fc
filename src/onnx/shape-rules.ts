import { VertebraError } from '../errors.ts'
import { LAYER_SHAPES } from './layer-shapes.ts'
import type { Dim, Node } from './model.ts'
import { type Inferred, ShapeContext } from './shape-context.ts'
import { TENSOR_SHAPES } from './tensor-shapes.ts'

/** More than any network needs: each node of a hostile graph could double what the one before it gives. */
const MOST_INPUTS = 1024
const MOST_DIMS = 16
const MOST_CONTENTS = 1024
const LONGEST_DIM = 512

/**
 * What a node gives: type and dimensions of each output, free dimensions as expressions.
 *
 * @param inputs what is known of each input; undefined for one left out
 * @throws VertebraError `GRAPH_INVALID` when the inputs do not fit the operator, or no rule for it exists
 */
export function inferNode(node: Node, inputs: readonly (Inferred | undefined)[], opset: number): readonly Inferred[] {
  const rule = node.domain === '' ? (LAYER_SHAPES.get(node.opType) ?? TENSOR_SHAPES.get(node.opType)) : undefined
  if (!rule) {
    const known = [...LAYER_SHAPES.keys(), ...TENSOR_SHAPES.keys()].sort().join(', ')
    throw new VertebraError(
      'GRAPH_INVALID',
      `No shape rule for operator ${node.domain ? `${node.domain}.` : ''}${node.opType} of node "${node.name}"; known are ${known}.`,
      { value: node },
    )
  }
  const context = new ShapeContext(node, inputs, opset)
  if (inputs.length > MOST_INPUTS) context.fail(`at most ${MOST_INPUTS} inputs`, String(inputs.length))
  const outputs = rule(context)
  for (const { dims, contents = [] } of outputs) {
    if (dims.length > MOST_DIMS) context.fail(`at most ${MOST_DIMS} dimensions`, String(dims.length))
    if (contents.length > MOST_CONTENTS)
      context.fail(`a shape of at most ${MOST_CONTENTS} sizes`, String(contents.length))
    if (dims.some(isTooLong) || contents.some(isTooLong))
      context.fail('free dimensions in few words', 'a very long expression')
  }
  return outputs
}

const isTooLong = (dim: Dim): boolean => typeof dim === 'string' && dim.length > LONGEST_DIM
