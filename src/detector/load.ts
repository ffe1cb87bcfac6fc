import { openModel } from '../models/load.ts'
import type { ModelManifest } from '../models/manifest.ts'
import type { ModelFiles } from '../models/model-files.ts'
import { requireTask } from '../models/task.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import { checkDeviceChoice, chooseDevice } from '../runtime/choose-device.ts'
import type { DeviceChoice, Runtime } from '../runtime/runtime.ts'
import type { DetectorCore } from './detector.ts'
import { localDetector } from './local-detector.ts'
import { positiveInteger } from './options.ts'
import type { DecodeImage } from './platform.ts'
import { createSessions, type SessionName, type Sessions } from './sessions.ts'

export interface LoadOptions extends WorkOptions {
  /** Where to run. Default `auto`: the best device that works here. */
  readonly device?: DeviceChoice | undefined
  /** Threads inside one operator, for `cpu` and `wasm`. Default: one per core. */
  readonly threads?: number | undefined
}

/** What of a model will be used. */
export type ModelPart = 'detector' | 'backbone'

const FIRST_SESSIONS: Readonly<Record<ModelPart, readonly SessionName[]>> = {
  detector: ['network', 'roiHead'],
  backbone: ['backbone'],
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
    part === 'detector' ? requireTask(manifest, 'detect') : manifest
  const { manifest, sessions } = await openSessions(files, runtime, FIRST_SESSIONS[part], check, options)
  return localDetector(manifest, sessions, decode)
}

/**
 * Opens the sessions that the first call will need, so that a model that cannot run fails here.
 * @param check refuses a model of another task before any of its graphs is read
 */
export async function openSessions<M extends ModelManifest>(
  files: ModelFiles,
  runtime: Runtime,
  names: readonly SessionName[],
  check: (manifest: ModelManifest) => M,
  { device = 'auto', threads, signal, onProgress }: LoadOptions,
): Promise<{ manifest: M; sessions: Sessions }> {
  const choice = checkDeviceChoice(device)
  if (threads !== undefined) positiveInteger('threads', threads)
  throwIfAborted(signal)
  const loaded = await openModel(files, { signal })
  const manifest = check(loaded.manifest)
  const chosen = await chooseDevice(runtime, choice)
  const total = 1 + names.length
  onProgress?.({ phase: 'load', done: 1, total, item: 'model.json' })
  const sessions = createSessions(loaded, runtime, chosen, { threads })
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
}
