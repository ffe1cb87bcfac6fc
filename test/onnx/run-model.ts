import { InferenceSession, Tensor } from 'onnxruntime-node'
import { encodeModel, type Model } from '../../src/onnx/index.ts'

export type Feed = readonly [data: Float32Array | BigInt64Array, dims: readonly number[]]
export interface Output {
  readonly dims: readonly number[]
  readonly data: readonly number[]
}

/** Runs a model on the CPU with ONNX Runtime, without its graph optimisations so that each node really runs. */
export async function runModel(model: Model, feeds: Record<string, Feed>): Promise<Record<string, Output>> {
  const session = await InferenceSession.create(encodeModel(model), {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
  })
  try {
    const tensors = Object.entries(feeds).map(([name, [data, dims]]) => [
      name,
      data instanceof Float32Array ? new Tensor('float32', data, dims) : new Tensor('int64', data, dims),
    ])
    const results = await session.run(Object.fromEntries(tensors))
    return Object.fromEntries(
      Object.entries(results).map(([name, { dims, data }]) => [
        name,
        { dims: [...dims], data: Array.from(data, Number) },
      ]),
    )
  } finally {
    await session.release()
  }
}

/** 0, 1, 2, … as float32. */
export function range(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => i)
}

/** The same numbers each time, between -1 and 1 (a linear congruential generator). */
export function noise(length: number, seed = 1): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}
