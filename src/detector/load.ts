import { checkCount } from '../checks.ts'
import { withInputSize } from '../images/input-size.ts'
import { openModel } from '../models/load.ts'
import type { ModelManifest } from '../models/manifest.ts'
import type { ModelFiles } from '../models/model-files.ts'
import { readAhead } from '../models/read-ahead.ts'
import { isFor, requireBackbone, requireDetector } from '../models/task.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import { checkDeviceChoice, chooseDevice } from '../runtime/choose-device.ts'
import type { DeviceChoice, Runtime } from '../runtime/runtime.ts'
import type { DetectorCore } from './detector.ts'
import { localDetector } from './local-detector.ts'
import type { DecodeImage } from './platform.ts'
import { checkPrecisionChoice, choosePrecision, type PrecisionChoice } from './precision.ts'
import type { SessionName } from './session-name.ts'
import { createSessions, graphsOf, type Sessions } from './sessions.ts'

export interface LoadOptions extends WorkOptions {
  /** Where to run. Default `auto`: the best device that works here. */
  readonly device?: DeviceChoice | undefined
  /**
   * What to compute in. Default `auto`: what is fast on the device, as far as the model is made for it. A model that
   * `vertebra quantize` made runs in int8 where a small network is measurably faster so, and elsewhere in float; on a GPU
   * float16 is taken where it is faster than float32.
   */
  readonly precision?: PrecisionChoice | undefined
  /** Threads inside one operator, for `cpu` and `wasm`. Default: one per core. */
  readonly threads?: number | undefined
  /**
   * Pixels of the side of the photo that the model's resize rule names, 64 to 4096. Default: the manifest's. Time goes
   * with its area; what is found is best near the sizes that the model learnt from. Not for models whose input has one size.
   */
  readonly inputSize?: number | undefined
}

/** What of a model will be used. */
export type ModelPart = 'detector' | 'backbone'

function firstSessions(manifest: ModelManifest, part: ModelPart): readonly SessionName[] {
  if (part === 'backbone') return ['backbone']
  return isFor(manifest, 'detect-whole') ? ['network'] : ['network', 'roiHead']
}

/**
 * A detector, or the backbone of any model, ready for the first call.
 * @throws VertebraError `MODEL_INVALID` when a detector is asked for and the model is none.
 */
export async function openDetector<Input>(
  files: ModelFiles,
  runtime: Runtime,
  decode: DecodeImage<Input>,
  part: ModelPart,
  options: LoadOptions,
): Promise<DetectorCore<Input>> {
  const check = (manifest: ModelManifest): ModelManifest =>
    part === 'detector' ? requireDetector(manifest) : requireBackbone(manifest)
  const first = (manifest: ModelManifest) => firstSessions(manifest, part)
  const { manifest, sessions } = await openSessions(files, runtime, first, check, options)
  return localDetector(manifest, sessions, decode)
}

/**
 * Opens the sessions that the first call will need, so that a model that cannot run fails here.
 * @param namesFor those sessions
 * @param check refuses a model of another task before any of its graphs is read
 */
export async function openSessions<M extends ModelManifest>(
  files: ModelFiles,
  runtime: Runtime,
  namesFor: (manifest: ModelManifest) => readonly SessionName[],
  check: (manifest: ModelManifest) => M,
  { device = 'auto', precision = 'auto', threads, inputSize, signal, onProgress }: LoadOptions,
): Promise<{ manifest: M; sessions: Sessions }> {
  const choice = checkDeviceChoice(device)
  const wanted = checkPrecisionChoice(precision)
  if (threads !== undefined) checkCount('threads', threads)
  throwIfAborted(signal)
  const opened = await openModel(files, { signal })
  const checked = check(opened.manifest)
  const manifest = inputSize === undefined ? checked : { ...checked, input: withInputSize(checked.input, inputSize) }
  const names = namesFor(manifest)
  const { model, stop } = readAhead(opened, graphsOf(manifest, names), { signal, onProgress })
  try {
    const chosen = await chooseDevice(runtime, choice)
    const first = await choosePrecision(runtime, chosen.device, manifest, wanted, { signal })
    const total = 1 + names.length
    onProgress?.({ phase: 'load', done: 1, total, item: 'model.json' })
    const sessions = createSessions(model, runtime, { ...chosen, precision: first }, { threads, precision: wanted })
    try {
      for (const [i, name] of names.entries()) {
        throwIfAborted(signal)
        await sessions.open(name, { signal, onProgress })
        onProgress?.({ phase: 'load', done: i + 2, total, item: name })
      }
      throwIfAborted(signal)
    } catch (error) {
      await sessions.dispose()
      throw error
    }
    return { manifest, sessions }
  } finally {
    stop()
  }
}
