import type { InferenceSession } from 'onnxruntime-common'
import { VertebraError } from '../errors.ts'
import { shortReason } from './choose-device.ts'
import { openOrtSession, type Queue } from './ort-session.ts'
import { probeDevice } from './probe.ts'
import type { Device, DeviceReport, Runtime } from './runtime.ts'

const START_MS = 60_000

type OnnxRuntimeWeb = typeof import('onnxruntime-web/wasm')

/** Where the two builds of onnxruntime-web are that this library uses. */
export interface RuntimeModules {
  /** WebAssembly only: 14 MB. */
  readonly wasm?: string | undefined
  /** With WebGPU and WebNN: 27 MB, fetched only for these. */
  readonly gpu?: string | undefined
}

/**
 * ONNX Runtime for browsers. Its code is fetched when a device is first tried.
 * @param modules URLs of its builds; what is left out is imported from the package onnxruntime-web, which is the bundler's job.
 */
export function createWebRuntime(modules: RuntimeModules = {}): Runtime {
  const loaded = new Map<string, Promise<OnnxRuntimeWeb>>()
  const reports = new Map<Device, Promise<DeviceReport>>()
  const queue = createQueue()
  let gpuIsLost = false

  function load(device: Device): Promise<OnnxRuntimeWeb> {
    const build = device === 'wasm' ? 'wasm' : 'gpu'
    const ort = loaded.get(build) ?? importBuild(build, modules[build])
    loaded.set(build, ort)
    ort.catch(() => loaded.delete(build))
    return ort
  }

  const open: Runtime['open'] = async (model, device, { threads, hold = [], weights } = {}) => {
    const ort = await load(device)
    // Fixed for good by the first session: ONNX Runtime starts its threads then.
    if (device === 'wasm') ort.env.wasm.numThreads = threads ?? threadCount()
    const options: InferenceSession.SessionOptions = {}
    // Memory never goes back to the system there, so weights take what they need and not the next power of two.
    if (device === 'wasm') options.extra = { session: { use_device_allocator_for_initializers: '1' } }
    if (hold.length > 0) {
      options.preferredOutputLocation = Object.fromEntries(hold.map((name) => [name, 'gpu-buffer'] as const))
    }
    if (weights) options.externalData = Array.from(weights, ([path, data]) => ({ path, data }))
    const session = await openOrtSession(ort, model, device, options, queue)
    if (device === 'webgpu') {
      void (await ort.env.webgpu.device).lost.then(() => {
        gpuIsLost = true
      })
    }
    return session
  }

  return {
    name: 'onnxruntime-web',
    devices: ['webgpu', 'webnn', 'wasm'],
    open,
    isLost: (device) => device === 'webgpu' && gpuIsLost,
    async probe(device) {
      if (device === 'webgpu' && gpuIsLost) return { device, works: false, reason: 'it was lost while it ran' }
      const report = reports.get(device) ?? probe(device, open)
      reports.set(device, report)
      return report
    },
    async unwise(device) {
      if (device === 'webnn') return 'its specification is still a draft (it can be asked for by name)'
      return device === 'webgpu' && (await isSoftware()) ? 'the browser has only a software GPU' : undefined
    },
    traits: (device) => ({
      roiPooling: device === 'wasm' ? 'kernel' : 'grid-sample',
      writesInto: false,
      keepsInt8Weights: device === 'wasm',
      holdsTensors: device === 'webgpu',
      takesWeightsApart: true,
      prefersWinograd: device === 'wasm',
    }),
  }
}

async function importBuild(build: keyof RuntimeModules, url: string | undefined): Promise<OnnxRuntimeWeb> {
  try {
    // The second form is left to the browser: no bundler can know the URL.
    const named = build === 'wasm' ? () => import('onnxruntime-web/wasm') : () => import('onnxruntime-web/webgpu')
    const ort: OnnxRuntimeWeb = await (url === undefined
      ? named()
      : import(/* @vite-ignore */ /* webpackIgnore: true */ url))
    ort.env.logLevel = 'fatal'
    // Threads that never start (a bundler that put this worker into one file) are an error, not a hang.
    ort.env.wasm.initTimeout = START_MS
    return ort
  } catch (cause) {
    throw new VertebraError(
      'DEPENDENCY_MISSING',
      `Running a model needs the package onnxruntime-web, which could not be loaded (${shortReason(cause)}): install it for ` +
        'your bundler, name it in an import map, or give the address of its dist folder as runtimeUrl.',
      { cause },
    )
  }
}

async function probe(device: Device, open: Runtime['open']): Promise<DeviceReport> {
  const reason = await whyAbsent(device)
  if (reason !== undefined) return { device, works: false, reason }
  const report = await probeDevice(device, open)
  return device === 'wasm' && report.works ? { ...report, note: wasmNote() } : report
}

async function whyAbsent(device: Device): Promise<string | undefined> {
  if (device === 'webgpu') {
    if (navigator.gpu === undefined) return 'this browser or page has no navigator.gpu'
    return (await gpuAdapter()) === null ? 'the browser found no graphics adapter' : undefined
  }
  if (device === 'webnn') return 'ml' in navigator ? undefined : 'this browser has no navigator.ml'
  return typeof WebAssembly === 'undefined' ? 'this browser has no WebAssembly, or the page forbids it' : undefined
}

async function gpuAdapter(): Promise<GPUAdapter | null> {
  try {
    return (await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })) ?? null
  } catch {
    return null
  }
}

/** A software rasteriser answers to WebGPU as well, and is far slower than WebAssembly. */
async function isSoftware(): Promise<boolean> {
  const info = (await gpuAdapter())?.info
  return info !== undefined && (info.isFallbackAdapter || info.architecture === 'swiftshader')
}

/** Half the logical cores of a large machine are the other halves of its cores, and add nothing to a matrix product. */
function threadCount(): number {
  if (!crossOriginIsolated) return 1
  const cores = navigator.hardwareConcurrency
  return cores <= 4 ? cores : Math.min(8, Math.ceil(cores / 2))
}

function wasmNote(): string {
  if (crossOriginIsolated) return `it runs on ${threadCount()} threads`
  return (
    'it runs on one thread, because the page is not cross-origin isolated: serve it with the headers ' +
    '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp" for more'
  )
}

/** ONNX Runtime for browsers runs one session at a time. */
function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }
}
