import { readdirSync } from 'node:fs'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { messageOf, VertebraError } from '../errors.ts'
import { shortReason } from './choose-device.ts'
import { probeModel } from './probe-model.ts'
import type { Device, DeviceReport, Feed, FloatTensor, Runtime, Session, SessionOptions } from './runtime.ts'

type OnnxRuntime = typeof import('onnxruntime-node')

/** Only errors: ONNX Runtime's warnings speak to its developers, and everything that matters comes as an exception. */
const LOG_FATAL = 4

let runtime: Promise<Runtime> | undefined

/**
 * ONNX Runtime for Node, loaded at the first call.
 * @throws VertebraError `DEPENDENCY_MISSING` when the package onnxruntime-node cannot be loaded.
 */
export function nodeRuntime(): Promise<Runtime> {
  runtime ??= loadOnnxRuntime().then(createRuntime)
  runtime.catch(() => {
    runtime = undefined
  })
  return runtime
}

async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    const ort = await import('onnxruntime-node')
    // Probing for devices that are not there would fill stderr. Only the default is changed: it could be the user's choice.
    if (ort.env.logLevel === 'warning') ort.env.logLevel = 'fatal'
    return ort
  } catch (cause) {
    throw new VertebraError(
      'DEPENDENCY_MISSING',
      `Running a model needs the package onnxruntime-node, which could not be loaded (${shortReason(cause)}): ` +
        'install it with "npm install onnxruntime-node --onnxruntime-node-install=skip".',
      { cause },
    )
  }
}

function createRuntime(ort: OnnxRuntime): Runtime {
  const reports = new Map<Device, Promise<DeviceReport>>()
  const bundled = new Set(ort.listSupportedBackends().map(({ name }) => name))
  const open: Runtime['open'] = (model, device, options) => openSession(ort, model, device, options)
  return {
    name: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`,
    devices: PREFERENCE.filter((device) => bundled.has(device)),
    open,
    probe(device) {
      const report = reports.get(device) ?? probe(device, open)
      reports.set(device, report)
      return report
    },
    unwise(device) {
      if (device !== 'webgpu' || hasGraphicsDevice()) return undefined
      return 'this system has no graphics device under /dev/dri or /dev/dxg (a software one can be asked for by name)'
    },
  }
}

/** Best first. TensorRT comes after CUDA: it builds an engine for minutes at the first run, so `auto` should not pick it. */
const PREFERENCE: readonly Device[] = ['cuda', 'tensorrt', 'dml', 'coreml', 'webgpu', 'cpu']

async function probe(device: Device, open: Runtime['open']): Promise<DeviceReport> {
  try {
    const session = await open(probeModel(), device)
    try {
      await session.run({ x: { dataType: 'float32', dims: [1, 1, 2, 2], data: new Float32Array(4) } })
    } finally {
      await session.dispose()
    }
    return { device, works: true, reason: 'a small graph ran on it' }
  } catch (error) {
    return { device, works: false, reason: shortReason(error instanceof Error && error.cause ? error.cause : error) }
  }
}

/** A software rasteriser also answers to WebGPU, and is far slower than the CPU provider. */
function hasGraphicsDevice(): boolean {
  if (process.platform !== 'linux') return true
  const list = (folder: string): string[] => {
    try {
      return readdirSync(folder)
    } catch {
      return []
    }
  }
  return list('/dev/dri').some((name) => name.startsWith('renderD')) || list('/dev').includes('dxg')
}

async function openSession(
  ort: OnnxRuntime,
  model: Uint8Array,
  device: Device,
  options: SessionOptions = {},
): Promise<Session> {
  const sessionOptions: InferenceSession.SessionOptions = {
    executionProviders: [{ name: device }],
    graphOptimizationLevel: 'all',
    logSeverityLevel: LOG_FATAL,
  }
  if (options.threads !== undefined) sessionOptions.intraOpNumThreads = options.threads
  let session: InferenceSession
  try {
    session = await ort.InferenceSession.create(model, sessionOptions)
  } catch (cause) {
    if (isOutOfMemory(cause)) throw outOfMemory('loading the graph', cause)
    if (device !== 'cpu') {
      throw new VertebraError(
        'DEVICE_UNAVAILABLE',
        `The device "${device}" refused the graph: ${shortReason(cause)}.`,
        {
          value: device,
          cause,
        },
      )
    }
    throw new VertebraError('GRAPH_INVALID', `ONNX Runtime refused the graph: ${shortReason(cause)}.`, { cause })
  }
  return wrap(ort, session)
}

function wrap(ort: OnnxRuntime, session: InferenceSession): Session {
  let disposed = false
  const running = new Set<Promise<unknown>>()
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds) {
      if (disposed) throw new VertebraError('DISPOSED', 'This session was disposed and cannot run again.')
      const inputs: Record<string, OrtTensor> = {}
      for (const [name, feed] of Object.entries(feeds)) inputs[name] = toOrt(ort, feed)
      const run = session.run(inputs)
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
      const outputs: Record<string, FloatTensor> = {}
      for (const [name, tensor] of Object.entries(results)) {
        if (!(tensor.data instanceof Float32Array)) {
          throw new VertebraError('GRAPH_INVALID', `Expected float32 for output "${name}" but received ${tensor.type}.`)
        }
        outputs[name] = { dims: tensor.dims, data: tensor.data }
      }
      return outputs
    },
    async dispose() {
      if (disposed) return
      disposed = true
      // Memory must not go while native code still computes in it.
      await Promise.allSettled(running)
      await session.release()
    },
  }
}

function toOrt(ort: OnnxRuntime, feed: Feed): OrtTensor {
  return feed.dataType === 'float32'
    ? new ort.Tensor('float32', feed.data, feed.dims)
    : new ort.Tensor('int64', feed.data, feed.dims)
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
