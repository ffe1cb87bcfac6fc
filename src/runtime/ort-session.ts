import type {
  InferenceSession,
  InferenceSessionFactory,
  Tensor as OrtTensor,
  TensorConstructor,
} from 'onnxruntime-common'
import { messageOf, VertebraError } from '../errors.ts'
import { shortReason } from './choose-device.ts'
import type { Device, Feed, FloatTensor, HeldTensor, Session } from './runtime.ts'

/** What the packages onnxruntime-node and onnxruntime-web have in common. */
export interface OnnxRuntime {
  readonly InferenceSession: InferenceSessionFactory
  readonly Tensor: TensorConstructor
}

/** Runs one piece of work after another. */
export type Queue = <T>(work: () => Promise<T>) => Promise<T>

/** Only errors: ONNX Runtime's warnings speak to its developers, and everything that matters comes as an exception. */
const LOG_FATAL = 4

/**
 * Opens a graph in ONNX Runtime.
 * @param queue for a runtime that cannot run two sessions at once.
 * @throws VertebraError `GRAPH_INVALID`, `DEVICE_UNAVAILABLE` when a device other than the CPU refuses the graph,
 * `OUT_OF_MEMORY`.
 */
export async function openOrtSession(
  ort: OnnxRuntime,
  model: Uint8Array,
  device: Device,
  options: InferenceSession.SessionOptions,
  queue: Queue = (work) => work(),
): Promise<Session> {
  try {
    const all: InferenceSession.SessionOptions = {
      executionProviders: [{ name: device }],
      graphOptimizationLevel: 'all',
      logSeverityLevel: LOG_FATAL,
      ...options,
    }
    return wrap(ort, await queue(() => ort.InferenceSession.create(model, all)), queue)
  } catch (cause) {
    if (isOutOfMemory(cause)) throw outOfMemory('loading the graph', cause)
    const reason = shortReason(cause)
    if (device === 'cpu' || device === 'wasm') {
      throw new VertebraError('GRAPH_INVALID', `ONNX Runtime refused the graph: ${reason}.`, { cause })
    }
    const message = `The device "${device}" refused the graph: ${reason}.`
    throw new VertebraError('DEVICE_UNAVAILABLE', message, { value: device, cause })
  }
}

function wrap(ort: OnnxRuntime, session: InferenceSession, queue: Queue): Session {
  let disposed = false
  const running = new Set<Promise<unknown>>()
  /** All outputs: those that have a place, and those that ONNX Runtime finds one for. */
  function fetches(into: Readonly<Record<string, FloatTensor>>): Record<string, OrtTensor | null> {
    return Object.fromEntries(
      session.outputNames.map((name) => {
        const place = into[name]
        return [name, place ? new ort.Tensor('float32', place.data, place.dims) : null]
      }),
    )
  }

  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds, into) {
      if (disposed) throw new VertebraError('DISPOSED', 'This session was disposed and cannot run again.')
      const inputs: Record<string, OrtTensor> = {}
      for (const [name, feed] of Object.entries(feeds)) inputs[name] = toOrt(ort, feed)
      const run = queue(() => (into ? session.run(inputs, fetches(into)) : session.run(inputs)))
      running.add(run)
      let results: Awaited<typeof run>
      try {
        results = await run
      } catch (cause) {
        if (isOutOfMemory(cause)) throw outOfMemory('running the graph', cause)
        throw new VertebraError('INFERENCE_FAILED', `ONNX Runtime failed while it ran: ${shortReason(cause)}.`, {
          cause,
        })
      } finally {
        running.delete(run)
      }
      const outputs: Record<string, FloatTensor | HeldTensor> = {}
      for (const [name, tensor] of Object.entries(results)) outputs[name] = fromOrt(name, tensor)
      return outputs
    },
    async dispose() {
      if (disposed) return
      disposed = true
      // Memory must not go while native code still computes in it.
      await Promise.allSettled(running)
      await queue(() => session.release())
    },
  }
}

function toOrt(ort: OnnxRuntime, feed: Feed): OrtTensor {
  if ('held' in feed) {
    if (feed.held instanceof ort.Tensor) return feed.held
    throw new VertebraError('INFERENCE_FAILED', 'Expected a tensor of the same runtime but received one of another.')
  }
  return feed.dataType === 'float32'
    ? new ort.Tensor('float32', feed.data, feed.dims)
    : new ort.Tensor('int64', feed.data, feed.dims)
}

function fromOrt(name: string, tensor: OrtTensor): FloatTensor | HeldTensor {
  const { dims, type } = tensor
  // The labels of a whole detector; numbers beyond 2^24 are rounded.
  if (type === 'int64') return { dims, data: Float32Array.from(tensor.data as BigInt64Array, Number) }
  if (type === 'int32') return { dims, data: Float32Array.from(tensor.data as Int32Array) }
  if (type !== 'float32') {
    throw new VertebraError('GRAPH_INVALID', `Expected float32 for output "${name}" but received ${type}.`)
  }
  if (tensor.location === 'cpu') return { dims, data: tensor.data as Float32Array }
  return { dims, held: tensor, release: () => tensor.dispose() }
}

function isOutOfMemory(error: unknown): boolean {
  return /bad_alloc|failed to allocate|out of memory|allocation failed/i.test(messageOf(error))
}

function outOfMemory(doing: string, cause: unknown): VertebraError {
  return new VertebraError(
    'OUT_OF_MEMORY',
    `There was not enough memory for ${doing}: use smaller photos or batches, or free memory, and try again.`,
    { cause },
  )
}
