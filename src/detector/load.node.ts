import { decodeImage, type ImageInput } from '../images/decode.node.ts'
import { openModel } from '../models/load.ts'
import { locateModel } from '../models/locate.node.ts'
import type { Manifest } from '../models/manifest.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import { checkDeviceChoice, chooseDevice } from '../runtime/choose-device.ts'
import { nodeRuntime } from '../runtime/node.ts'
import type { DeviceChoice } from '../runtime/runtime.ts'
import { type Backbone, createBackbone } from './backbone.ts'
import { createDetector, type Detector } from './detector.ts'
import { positiveInteger } from './options.ts'
import { createSessions, type SessionName, type Sessions } from './sessions.ts'

export interface LoadOptions extends WorkOptions {
  /** Where to run. Default `auto`: the best device that works here. */
  readonly device?: DeviceChoice | undefined
  /** CPU threads inside one operator. Default: one per core. */
  readonly threads?: number | undefined
}

/** A backbone that was loaded on its own. */
export interface LoadedBackbone extends Backbone<ImageInput>, AsyncDisposable {
  readonly manifest: Manifest
  /** Frees the model's memory once running calls have ended. */
  dispose(): Promise<void>
}

/**
 * Loads a detector: finds and checks the model, picks the device, and opens the graphs, ready for the first photo.
 *
 * @param model name of an installed model (`resnet101-voc`), path of a model folder, or a `file:` or `http(s):` URL of one.
 * @throws VertebraError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `MODEL_CORRUPT`, `GRAPH_INVALID`, `DEVICE_UNAVAILABLE`,
 * `DEPENDENCY_MISSING`, `INVALID_ARGUMENT`, `NETWORK`, `OUT_OF_MEMORY`, `ABORTED`.
 * @example
 * const detector = await loadDetector('resnet101-voc')
 * const { detections } = await detector.detect('street.jpg', { minScore: 0.5 })
 * await detector.dispose()
 */
export async function loadDetector(model: string | URL, options: LoadOptions = {}): Promise<Detector<ImageInput>> {
  const { manifest, sessions } = await load(model, options, ['network', 'roiHead'])
  return createDetector(manifest, sessions, decodeImage)
}

/**
 * Loads only the backbone of a model, for feature maps and embeddings.
 * @throws VertebraError as `loadDetector`.
 * @example
 * const backbone = await loadBackbone('resnet101-voc')
 * console.log(await backbone.similar('cat1.jpg', 'cat2.jpg'))
 */
export async function loadBackbone(model: string | URL, options: LoadOptions = {}): Promise<LoadedBackbone> {
  const { manifest, sessions } = await load(model, options, ['backbone'])
  const dispose = (): Promise<void> => sessions.dispose()
  return { ...createBackbone(manifest, sessions, decodeImage), manifest, dispose, [Symbol.asyncDispose]: dispose }
}

/** Opens the sessions that the first call will need, so that a model that cannot run fails here. */
async function load(
  model: string | URL,
  { device = 'auto', threads, signal, onProgress }: LoadOptions,
  names: readonly SessionName[],
): Promise<{ manifest: Manifest; sessions: Sessions }> {
  const choice = checkDeviceChoice(device)
  if (threads !== undefined) positiveInteger('threads', threads)
  throwIfAborted(signal)
  const files = await locateModel(model)
  const loaded = await openModel(files, { signal })
  const runtime = await nodeRuntime()
  const chosen = await chooseDevice(runtime, choice)
  const total = 1 + names.length
  onProgress?.({ phase: 'load', done: 1, total, item: 'model.json' })
  const sessions = createSessions(loaded, runtime, chosen, { threads })
  try {
    for (const [i, name] of names.entries()) {
      throwIfAborted(signal)
      await sessions.open(name)
      onProgress?.({ phase: 'load', done: i + 2, total, item: name })
    }
    throwIfAborted(signal)
  } catch (error) {
    await sessions.dispose()
    throw error
  }
  return { manifest: loaded.manifest, sessions }
}
