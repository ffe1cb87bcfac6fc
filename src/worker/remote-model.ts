import type { Classification, ClassifierCore } from '../classify/classifier.ts'
import type { Features } from '../detector/backbone.ts'
import type { DetectorCore } from '../detector/detector.ts'
import type { DetectionResult } from '../detector/result.ts'
import { unexpected, VertebraError } from '../errors.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import type { Calls, FromWorker, LoadedInfo, Port } from './protocol.ts'

/** A picture in a form that can go to another thread, and what of it moves instead of being copied. */
export interface Portable<Image> {
  readonly image: Image
  readonly transfer: readonly Transferable[]
}

/** A model elsewhere takes every call; what it is not made for it refuses there. */
export type RemoteModel<Input> = DetectorCore<Input> & ClassifierCore<Input>

/**
 * Loads a detector or a classifier in a worker. The pictures that a caller gives stay the caller's: what goes over are copies, or handles.
 *
 * @param toPortable brings a picture into a form that can go over.
 * @throws VertebraError what loading throws; `INFERENCE_FAILED` when the worker dies.
 */
export async function loadRemotely<Input, Image, Model, LoadOptions extends WorkOptions>(
  port: Port<FromWorker, unknown>,
  model: Model,
  loadOptions: LoadOptions,
  toPortable: (input: Input, signal: AbortSignal | undefined) => Promise<Portable<Image>>,
): Promise<RemoteModel<Input>> {
  const call: Call<Calls<Model, LoadOptions, Image>> = createCaller(port)
  let info: LoadedInfo
  try {
    const { signal, onProgress, ...options } = loadOptions
    info = (await call('load', { model, options }, { signal, onProgress })) as LoadedInfo
  } catch (error) {
    port.close()
    throw error
  }
  let disposed: Promise<void> | undefined
  const requireAlive = (): void => {
    if (disposed) throw new VertebraError('DISPOSED', 'This model was disposed: load it again to use it.')
  }
  return {
    manifest: info.manifest,
    get device() {
      return info.device
    },
    precision: info.precision,
    runtime: info.runtime,
    async detectBatch(inputs, { signal, onProgress, ...options } = {}) {
      requireAlive()
      if (!Array.isArray(inputs)) throw unexpected('images', 'an array of pictures', inputs)
      const pictures = await Promise.all(inputs.map((input) => toPortable(input, signal)))
      const images = pictures.map(({ image }) => image)
      const transfer = pictures.flatMap((picture) => picture.transfer)
      const results = (await call('detect', { images, options }, { signal, onProgress }, transfer)) as DetectionResult[]
      const [first] = results
      // A lost GPU changes it.
      if (first) info = { ...info, device: first.device }
      return results
    },
    async classify(input, { signal, onProgress, ...options } = {}) {
      requireAlive()
      const { image, transfer } = await toPortable(input, signal)
      const gives = await call('classify', { image, options }, { signal, onProgress }, transfer)
      const classification = gives as Classification
      info = { ...info, device: classification.device }
      return classification
    },
    async extract(input, { signal, onProgress, ...options } = {}) {
      requireAlive()
      const { image, transfer } = await toPortable(input, signal)
      return (await call('extract', { image, options }, { signal, onProgress }, transfer)) as Features
    },
    dispose() {
      disposed ??= call('dispose', {}, {}).then(
        () => port.close(),
        () => port.close(),
      )
      return disposed
    },
  }
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: VertebraError): void
  readonly onProgress: WorkOptions['onProgress']
}

type Call<All> = <Name extends keyof All & string>(
  name: Name,
  takes: All[Name] extends { takes: infer Takes } ? Takes : never,
  options: WorkOptions,
  transfer?: readonly Transferable[],
) => Promise<unknown>

/** Numbers the calls, and brings each answer to whom it belongs. */
function createCaller<All>(port: Port<FromWorker, unknown>): Call<All> {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let death: VertebraError | undefined

  function end(id: number): void {
    if (waiting.delete(id) && waiting.size === 0) port.hold?.(false)
  }

  function fail(error: VertebraError): void {
    death = error
    for (const [id, { reject }] of waiting) {
      end(id)
      reject(error)
    }
  }

  port.listen(
    (message) => {
      const call = waiting.get(message.id)
      if ('progress' in message) return call?.onProgress?.(message.progress)
      end(message.id)
      if ('error' in message) call?.reject(new VertebraError(message.error.code, message.error.message))
      else call?.resolve(message.gives)
    },
    (reason) => fail(new VertebraError('INFERENCE_FAILED', `The model's worker stopped (${reason}): load it again.`)),
  )

  return async (name, takes, { signal, onProgress }, transfer) => {
    throwIfAborted(signal)
    if (death) throw death
    const id = ++lastId
    const abort = (): void => port.post({ abort: id })
    try {
      return await new Promise<unknown>((resolve, reject) => {
        waiting.set(id, { resolve, reject, onProgress })
        if (waiting.size === 1) port.hold?.(true)
        signal?.addEventListener('abort', abort)
        port.post({ call: name, id, takes }, transfer)
      })
    } catch (error) {
      // The same error as without a worker, with the signal's own reason.
      throwIfAborted(signal)
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }
}
