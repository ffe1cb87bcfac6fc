import { InferenceSession, Tensor } from 'onnxruntime-node'
import { encodeModel, type Model } from '../../src/onnx/index.ts'

export interface Feed {
  readonly data: Float32Array | BigInt64Array
  readonly dims: readonly number[]
}

export interface Result {
  readonly data: Float32Array
  readonly dims: readonly number[]
}

/** A model loaded into ONNX Runtime on the CPU. */
export async function openModel(model: Model): Promise<InferenceSession> {
  return InferenceSession.create(encodeModel(model), { intraOpNumThreads: 2, logSeverityLevel: 3 })
}

export async function runSession(
  session: InferenceSession,
  feeds: Record<string, Feed>,
): Promise<Record<string, Result>> {
  const tensors = Object.entries(feeds).map(([name, { data, dims }]) => [
    name,
    data instanceof Float32Array ? new Tensor('float32', data, dims) : new Tensor('int64', data, dims),
  ])
  const outputs = await session.run(Object.fromEntries(tensors))
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data, dims }]) => {
      if (!(data instanceof Float32Array)) throw new Error(`${name} is not float32`)
      return [name, { data, dims }]
    }),
  )
}

export async function runModel(model: Model, feeds: Record<string, Feed>): Promise<Record<string, Result>> {
  const session = await openModel(model)
  try {
    return await runSession(session, feeds)
  } finally {
    await session.release()
  }
}

/** The same model with more outputs: values inside the graph, by name. */
export function withOutputs(model: Model, names: readonly string[]): Model {
  const more = names.map((name) => ({ name, dataType: 'float32' as const, dims: ['N', 'C', `${name}.H`, `${name}.W`] }))
  return { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...more] } }
}
