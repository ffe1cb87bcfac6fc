import { readdirSync } from 'node:fs'
import { VertebraError } from '../errors.ts'
import { shortReason } from './choose-device.ts'
import { openOrtSession } from './ort-session.ts'
import { probeDevice } from './probe.ts'
import type { Device, DeviceReport, Runtime } from './runtime.ts'

type OnnxRuntimeNode = typeof import('onnxruntime-node')

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

async function loadOnnxRuntime(): Promise<OnnxRuntimeNode> {
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

function createRuntime(ort: OnnxRuntimeNode): Runtime {
  const reports = new Map<Device, Promise<DeviceReport>>()
  const bundled = new Set(ort.listSupportedBackends().map(({ name }) => name))
  const open: Runtime['open'] = (model, device, { threads } = {}) =>
    openOrtSession(ort, model, device, threads === undefined ? {} : { intraOpNumThreads: threads })
  return {
    name: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`,
    devices: PREFERENCE.filter((device) => bundled.has(device)),
    open,
    probe(device) {
      const report = reports.get(device) ?? probeDevice(device, open)
      reports.set(device, report)
      return report
    },
    async unwise(device) {
      if (device !== 'webgpu' || hasGraphicsDevice()) return undefined
      return 'this system has no graphics device under /dev/dri or /dev/dxg (a software one can be asked for by name)'
    },
    isLost: () => false,
    // What a device lacks, ONNX Runtime for Node runs on the CPU beside it.
    traits: (device) => ({
      roiPooling: device === 'cpu' ? 'kernel' : 'operator',
      writesInto: device === 'cpu',
      keepsInt8Weights: false,
      holdsTensors: false,
      takesWeightsApart: false,
      prefersWinograd: false,
    }),
  }
}

/** Best first. TensorRT comes after CUDA: it builds an engine for minutes at the first run, so `auto` should not pick it. */
const PREFERENCE: readonly Device[] = ['cuda', 'tensorrt', 'dml', 'coreml', 'webgpu', 'cpu']

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
