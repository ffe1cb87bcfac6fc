import type { Dim, Node } from './model.ts'
import { type Inferred, ShapeContext } from './shape-context.ts'
import { inferNode } from './shape-rules.ts'

/** More than any network needs: each node of a hostile graph could double what the one before it gives. */
const MOST_INPUTS = 1024
const MOST_DIMS = 16
const MOST_CONTENTS = 1024
const LONGEST_DIM = 512

/**
 * `inferNode` for a node of a graph that somebody else wrote.
 *
 * @throws VertebraError `GRAPH_INVALID` as `inferNode`, and when a value has a shape that no network has
 */
export function inferForeignNode(
  node: Node,
  inputs: readonly (Inferred | undefined)[],
  opset: number,
): readonly Inferred[] {
  const fail = (expected: string, received: string): never =>
    new ShapeContext(node, inputs, opset).fail(expected, received)
  if (inputs.length > MOST_INPUTS) fail(`at most ${MOST_INPUTS} inputs`, String(inputs.length))
  const outputs = inferNode(node, inputs, opset)
  for (const { dims, contents = [] } of outputs) {
    if (dims.length > MOST_DIMS) fail(`at most ${MOST_DIMS} dimensions`, String(dims.length))
    if (contents.length > MOST_CONTENTS) fail(`a shape of at most ${MOST_CONTENTS} sizes`, String(contents.length))
    if ([...dims, ...contents].some(isTooLong)) fail('free dimensions in few words', 'a very long expression')
  }
  return outputs
}

const isTooLong = (dim: Dim): boolean => typeof dim === 'string' && dim.length > LONGEST_DIM
