import type { LoadedModel } from '../models/load.ts'
import type { AnyGraphName, ModelManifest } from '../models/manifest.ts'
import { isFor, requireTask } from '../models/task.ts'
import { encodeApart, encodeModel } from '../onnx/codec.ts'
import type { Model } from '../onnx/model.ts'
import { joinModels } from '../onnx/transforms/join.ts'
import type { WorkOptions } from '../progress.ts'
import { type ChosenDevice, chooseDevice } from '../runtime/choose-device.ts'
import type { DeviceTraits, Runtime, Session, SessionOptions } from '../runtime/runtime.ts'
import { isHalfOverflow } from './half-overflow.ts'
import { inPrecision, type Precision } from './in-precision.ts'
import { PooledMaps } from './pooled-maps.ts'
import { choosePrecision, type PrecisionChoice } from './precision.ts'
import { forPooling, roiPoolingOf } from './roi-pooling.ts'
import type { SessionName } from './session-name.ts'

export interface Sessions {
  readonly runtime: string
  readonly device: ChosenDevice
  /** What the graphs compute in, whatever their weights are stored as; `int8` where most layers do. */
  readonly precision: Precision
  /** What pools boxes for this model on this device. */
  readonly roiPooling: DeviceTraits['roiPooling']
  /** Where maps are pooled from, when the kernel does it. */
  readonly pooledMaps: PooledMaps | undefined
  /** How often device or precision have given way: a result is good if this is the same before and after. */
  readonly generation: number
  /**
   * Opens a session at the first call; later calls share it.
   * @throws VertebraError what loading the graph and opening it throw.
   */
  open(name: SessionName, options?: WorkOptions): Promise<Session>
  /**
   * After a failure: true when trying again makes sense, because the device was lost and another one has taken its place, or because
   * the photo had numbers beyond float16, which was nobody's wish, and float32 has taken its place.
   */
  recover(error: unknown): Promise<boolean>
  /** Only after the last run: see `Lifetime`. */
  dispose(): Promise<void>
}

export function createSessions(
  model: LoadedModel,
  runtime: Runtime,
  { precision: firstPrecision, ...first }: ChosenDevice & { readonly precision: Precision },
  { threads, precision: choice }: Pick<SessionOptions, 'threads'> & { readonly precision: PrecisionChoice },
): Sessions {
  let device = first
  let precision = firstPrecision
  let pooledMaps = pooledMapsOf(model.manifest, runtime.traits(device.device))
  const opened = new Map<SessionName, Promise<Session>>()
  let generation = 0

  async function load(name: SessionName, options: WorkOptions): Promise<Session> {
    const traits = runtime.traits(device.device)
    // A graph from elsewhere runs as it is: it may hold what the library's own graphs have no need of.
    if (isFor(model.manifest, 'detect-whole')) {
      return runtime.open(await model.wholeGraph(options), device.device, { threads })
    }
    const pooled = forPooling(model.manifest, name, await loadGraphs(model, name, options), traits)
    // The maps of boxes are too small for tiles.
    const graph = inPrecision(pooled, precision, name === 'roiHead' ? { ...traits, prefersWinograd: false } : traits)
    const hold = traits.holdsTensors && name === 'network' ? pooledLevels(model.manifest) : []
    if (!traits.takesWeightsApart) return runtime.open(encodeModel(graph), device.device, { threads, hold })
    const { file, weights } = encodeApart(graph)
    return runtime.open(file, device.device, { threads, hold, weights })
  }

  async function close(): Promise<void> {
    const closing = [...opened.values()]
    opened.clear()
    const sessions = await Promise.allSettled(closing)
    await Promise.all(sessions.map((session) => (session.status === 'fulfilled' ? session.value.dispose() : undefined)))
  }

  return {
    runtime: runtime.name,
    get device() {
      return device
    },
    get precision() {
      return precision
    },
    get roiPooling() {
      return roiPoolingOf(model.manifest, runtime.traits(device.device))
    },
    get pooledMaps() {
      return pooledMaps
    },
    get generation() {
      return generation
    },
    open(name, options = {}) {
      const before = opened.get(name)
      if (before) return before
      const session = load(name, options)
      opened.set(name, session)
      // A failure is not remembered, so that the next call tries again; a later session of that name stays.
      session.catch(() => opened.get(name) === session && opened.delete(name))
      return session
    },
    async recover(error) {
      const lost = device
      if (choice === 'auto' && isHalfOverflow(error)) {
        // Of several calls that failed together only the first closes the sessions.
        if (precision === 'float16') {
          close().catch(() => undefined) // a session that does not end is no failure of the photo
          precision = 'float32'
          generation += 1
        }
        return true
      }
      if (!runtime.isLost(lost.device)) return false
      const next = await chooseDevice(runtime, 'auto')
      const nextPrecision = await choosePrecision(runtime, next.device, model.manifest, withoutHalf(choice))
      // Of several calls that failed together only the first changes the device.
      if (device === lost) {
        device = { ...next, reason: `${lost.device} was lost while it ran; ${next.reason}` }
        precision = nextPrecision
        generation += 1
        opened.clear()
        pooledMaps = pooledMapsOf(model.manifest, runtime.traits(next.device))
      }
      return true
    },
    dispose: close,
  }
}

/** What was asked of a device that is gone need not be possible on the next one. */
function withoutHalf(choice: PrecisionChoice): PrecisionChoice {
  return choice === 'float16' ? 'auto' : choice
}

function pooledMapsOf(manifest: ModelManifest, traits: DeviceTraits): PooledMaps | undefined {
  return roiPoolingOf(manifest, traits) === 'kernel' ? new PooledMaps(traits) : undefined
}

/** The graphs that sessions are made of. */
export function graphsOf(manifest: ModelManifest, names: readonly SessionName[]): readonly AnyGraphName[] {
  // A whole graph is read as bytes.
  if (isFor(manifest, 'detect-whole')) return []
  const second = isFor(manifest, 'classify') ? 'classifier' : 'rpn'
  return names.flatMap((name): readonly AnyGraphName[] => (name === 'network' ? ['backbone', second] : [name]))
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
