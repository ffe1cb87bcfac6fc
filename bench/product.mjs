// A plain float32 matrix product in ONNX Runtime: what the machine can do.
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { encodeModel, GraphBuilder, tensorFrom } from 'vertebra/onnx'

/** [rows, inner] times a constant [inner, columns], as a layer is. */
export async function openProduct([rows, columns, inner], options = {}) {
  const graph = new GraphBuilder('product')
  const left = graph.input('left', 'float32', [rows, inner])
  const right = graph.initializer('right', tensorFrom(new Float32Array(inner * columns).fill(0.01), [inner, columns]))
  graph.output(graph.matMul(left, right), 'product')
  const session = await InferenceSession.create(encodeModel(graph.build()), { executionProviders: ['cpu'], ...options })
  const feeds = { left: new Tensor('float32', new Float32Array(rows * inner).fill(0.01), [rows, inner]) }
  return {
    run: () => session.run(feeds),
    release: () => session.release(),
    multiplyAdds: rows * columns * inner,
  }
}
