import { type Model, type Node, type Tensor, WRITTEN_VERSION } from '../onnx/model.ts'

/**
 * A model to try a device with, from `x` to `y` of the same dimensions. By hand, because a page should not have to load all that
 * `GraphBuilder` knows of operators.
 */
export function smallModel(
  dims: readonly number[],
  nodes: readonly Node[],
  initializers: ReadonlyMap<string, Tensor> = new Map(),
): Model {
  const value = (name: string) => ({ name, dataType: 'float32', dims }) as const
  const graph = { name: 'probe', nodes, initializers, inputs: [value('x')], outputs: [value('y')] }
  return { ...WRITTEN_VERSION, producer: 'vertebra', metadata: {}, graph }
}
