import { VertebraError } from '../errors.ts'
import type { LoadedModel } from '../models/load.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { isFor, requireTask } from '../models/task.ts'
import { encodeModel } from '../onnx/codec.ts'
import type { Model } from '../onnx/model.ts'
import { dequantizeWeights } from '../onnx/transforms/dequantize-weights.ts'
import { joinModels } from '../onnx/transforms/join.ts'
import { roiAlignToGridSample } from '../onnx/transforms/roi-align-to-grid-sample.ts'
import type { WorkOptions } from '../progress.ts'
import { type ChosenDevice, chooseDevice } from '../runtime/choose-device.ts'
import type { DeviceTraits, Runtime, Session, SessionOptions } from '../runtime/runtime.ts'

/**
 * The sessions of one model. `network` is backbone and RPN, or backbone and classifier, joined in memory, so that no feature
 * map is copied between them; `backbone` and `rpn` alone serve whoever asks for feature maps.
 */
export type SessionName = 'network' | 'backbone' | 'rpn' | 'roiHead'

export interface Sessions {
  readonly runtime: string
  readonly device: ChosenDevice
  /** What the graphs compute in, whatever their weights are stored as; `int8` where most layers do. */
  readonly precision: 'float32' | 'int8'
  readonly traits: DeviceTraits
  /**
   * Opens a session at the first call; later calls share it.
   * @throws VertebraError what loading the graph and opening it throw; `DISPOSED`.
   */
  open(name: SessionName, options?: WorkOptions): Promise<Session>
  /** After a failure: true when the device was lost and another one has taken its place, so that trying again makes sense. */
  recover(): Promise<boolean>
  dispose(): Promise<void>
}

export function createSessions(
  model: LoadedModel,
  runtime: Runtime,
  first: ChosenDevice,
  { threads }: Pick<SessionOptions, 'threads'>,
): Sessions {
  let device = first
  const opened = new Map<SessionName, Promise<Session>>()
  let disposed = false

  async function load(name: SessionName, options: WorkOptions): Promise<Session> {
    const traits = runtime.traits(device.device)
    const graph = await loadGraphs(model, name, options)
    const fitting = traits.roiAlign ? graph : roiAlignToGridSample(graph)
    const floats = traits.keepsInt8Weights ? fitting : dequantizeWeights(fitting)
    const hold = traits.holdsTensors && name === 'network' ? pooledLevels(model.manifest) : []
    return runtime.open(encodeModel(floats), device.device, { threads, hold })
  }

  return {
    runtime: runtime.name,
    get device() {
      return device
    },
    precision: Object.values(model.manifest.graphs).some(({ precision }) => precision === 'int8') ? 'int8' : 'float32',
    get traits() {
      return runtime.traits(device.device)
    },
    open(name, options = {}) {
      if (disposed) throw new VertebraError('DISPOSED', 'This model was disposed: load it again to use it.')
      let session = opened.get(name)
      if (!session) {
        session = load(name, options)
        opened.set(name, session)
        // A failure is not remembered, so that the next call tries again.
        session.catch(() => opened.delete(name))
      }
      return session
    },
    async recover() {
      const lost = device
      if (disposed || !runtime.isLost(lost.device)) return false
      const next = await chooseDevice(runtime, 'auto')
      // Of several calls that failed together only the first changes the device.
      if (device === lost) {
        device = { ...next, reason: `${lost.device} was lost while it ran; ${next.reason}` }
        opened.clear()
      }
      return true
    },
    async dispose() {
      disposed = true
      const sessions = await Promise.allSettled(opened.values())
      opened.clear()
      await Promise.all(
        sessions.map((session) => (session.status === 'fulfilled' ? session.value.dispose() : undefined)),
      )
    },
  }
}

async function loadGraphs(model: LoadedModel, name: SessionName, options: WorkOptions): Promise<Model> {
  if (name !== 'network') return model.graph(name, options)
  const { manifest } = model
  const backbone = await model.graph('backbone', options)
  if (isFor(manifest, 'classify')) {
    return joinModels(backbone, await model.graph('classifier', options), { outputs: ['logits'] })
  }
  const rpn = await model.graph('rpn', options)
  // In the C4 and DC5 forms a level of the backbone is pooled from directly.
  const features = new Set(manifest.features.map((feature) => feature.name))
  const pooled = requireTask(manifest, 'detect').roi.levels.filter((level) => features.has(level))
  return joinModels(backbone, rpn, { outputs: [...pooled, ...rpn.graph.outputs.map((output) => output.name)] })
}

/** What the RoI head reads of the network. */
function pooledLevels(manifest: ModelManifest): readonly string[] {
  return isFor(manifest, 'detect') ? manifest.roi.levels : []
}
