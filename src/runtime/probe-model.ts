import { encodeModel } from '../onnx/codec.ts'
import { GraphBuilder } from '../onnx/graph.ts'

/** A graph of one operator, `y = relu(x)`: enough to see whether a device answers at all. */
export function probeModel(): Uint8Array {
  const graph = new GraphBuilder('probe')
  const x = graph.input('x', 'float32', [1, 1, 'H', 'W'])
  graph.output(graph.relu(x), 'y')
  return encodeModel(graph.build())
}
