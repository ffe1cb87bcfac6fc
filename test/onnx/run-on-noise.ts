import { encodeModel } from '../../src/onnx/codec.ts'
import type { Model } from '../../src/onnx/model.ts'
import { seededRandom } from '../../src/random.ts'
import { nodeRuntime } from '../../src/runtime/node.ts'

/** What a graph gives for one and the same input `image` of noise, [1, 3, 8, 8]. */
export async function runOnNoise(graph: Model): Promise<Record<string, Float32Array>> {
  const session = await (await nodeRuntime()).open(encodeModel(graph), 'cpu', { threads: 1 })
  const values = seededRandom(9)
  const data = Float32Array.from({ length: 192 }, () => 2 * values() - 1)
  const tensors = await session.run({ image: { dataType: 'float32', dims: [1, 3, 8, 8], data } })
  await session.dispose()
  return Object.fromEntries(Object.entries(tensors).flatMap(([name, t]) => ('data' in t ? [[name, t.data]] : [])))
}

/** The largest difference of two outputs. */
export const furthest = (a: Float32Array | undefined, b: Float32Array | undefined): number =>
  (a ?? new Float32Array()).reduce((most, value, i) => Math.max(most, Math.abs(value - (b?.[i] ?? Number.NaN))), 0)
