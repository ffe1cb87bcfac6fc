import { VertebraError } from '../errors.ts'
import type { LoadedModel } from '../models/load.ts'
import { encodeModel } from '../onnx/codec.ts'
import type { Model } from '../onnx/model.ts'
import { dequantizeWeights } from '../onnx/transforms/dequantize-weights.ts'
import { joinModels } from '../onnx/transforms/join.ts'
import type { ChosenDevice } from '../runtime/choose-device.ts'
import type { Runtime, Session, SessionOptions } from '../runtime/runtime.ts'

/**
 * The sessions of one model. `network` is backbone and RPN joined in memory, so that no feature map is copied between
 * them; `backbone` and `rpn` alone serve whoever asks for feature maps.
 */
export type SessionName = 'network' | 'backbone' | 'rpn' | 'roiHead'

export interface Sessions {
  readonly runtime: string
  readonly device: ChosenDevice
  /** What the graphs compute in, whatever their weights are stored as. */
  readonly precision: 'float32'
  /**
   * Opens a session at the first call; later calls share it.
   * @throws VertebraError what loading the graph and opening it throw; `DISPOSED`.
   */
  open(name: SessionName): Promise<Session>
  dispose(): Promise<void>
}

export function createSessions(
  model: LoadedModel,
  runtime: Runtime,
  device: ChosenDevice,
  options: SessionOptions,
): Sessions {
  const opened = new Map<SessionName, Promise<Session>>()
  let disposed = false

  async function load(name: SessionName): Promise<Session> {
    const graph = name === 'network' ? await loadNetwork(model) : await loadGraph(model, name)
    return runtime.open(encodeModel(graph), device.device, options)
  }

  return {
    runtime: runtime.name,
    device,
    precision: 'float32',
    open(name) {
      if (disposed) throw new VertebraError('DISPOSED', 'This model was disposed: load it again to use it.')
      let session = opened.get(name)
      if (!session) {
        session = load(name)
        opened.set(name, session)
        // A failure is not remembered, so that the next call tries again.
        session.catch(() => opened.delete(name))
      }
      return session
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

async function loadGraph(model: LoadedModel, name: Exclude<SessionName, 'network'>): Promise<Model> {
  return dequantizeWeights(await model.graph(name))
}

async function loadNetwork(model: LoadedModel): Promise<Model> {
  const backbone = await loadGraph(model, 'backbone')
  const rpn = await loadGraph(model, 'rpn')
  // In the C4 and DC5 forms a level of the backbone is pooled from directly.
  const features = new Set(model.manifest.features.map((feature) => feature.name))
  const pooled = model.manifest.roi.levels.filter((level) => features.has(level))
  return joinModels(backbone, rpn, { outputs: [...pooled, ...rpn.graph.outputs.map((output) => output.name)] })
}
