import type { Classification, ClassifierCore } from '../classify/classifier.ts'
import type { Features } from '../detector/backbone.ts'
import type { DetectorCore } from '../detector/detector.ts'
import { createLifetime } from '../detector/lifetime.ts'
import { selectionOf } from '../detector/options.ts'
import type { DetectionResult } from '../detector/result.ts'
import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { requireDetector } from '../models/task.ts'
import { onAbort, type Progress, throwIfAborted, type WorkOptions } from '../progress.ts'
import { closeAll } from './close-all.ts'
import { type Calls, type LoadedInfo, toVertebraError, type WorkerPort } from './protocol.ts'

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
  port: WorkerPort,
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
  const { manifest, runtime } = info
  const close = (): void => port.close()
  const { run, dispose } = createLifetime(() => call('dispose', {}, {}).then(close, close))
  // A lost GPU changes the device, and numbers beyond float16 the precision.
  const learn = ({ device, precision }: Pick<LoadedInfo, 'device' | 'precision'> = info): void => {
    info = { ...info, device, precision }
  }
  /** Frees what was made of the pictures and did not go over. */
  async function withPictures(
    inputs: readonly Input[],
    signal: AbortSignal | undefined,
    use: (images: Image[], transfer: Transferable[]) => Promise<unknown>,
  ): Promise<unknown> {
    const pictures: Portable<Image>[] = []
    try {
      for (const input of inputs) pictures.push(await toPortable(input, signal))
      return await use(
        pictures.map(({ image }) => image),
        pictures.flatMap(({ transfer }) => transfer),
      )
    } finally {
      closeAll(pictures.flatMap(({ transfer }) => transfer))
    }
  }

  return {
    manifest,
    get device() {
      return info.device
    },
    get precision() {
      return info.precision
    },
    runtime,
    detectBatch: (inputs, { signal, onProgress, ...options } = {}) =>
      run(async () => {
        if (!Array.isArray(inputs)) throw unexpected('images', 'an array of pictures', inputs)
        selectionOf(requireDetector(manifest), options) // a wrong option is found before any picture is read
        const gives = await withPictures(inputs, signal, (images, transfer) =>
          call('detect', { images, options }, { signal, onProgress }, transfer),
        )
        const results = gives as DetectionResult[]
        learn(results[0])
        return results
      }),
    classify: (input, { signal, top } = {}) =>
      run(async () => {
        const gives = await withPictures([input], signal, ([image], transfer) =>
          call('classify', { image: image as Image, options: { top } }, { signal }, transfer),
        )
        const classification = gives as Classification
        learn(classification)
        return classification
      }),
    extract: (input, { signal, levels } = {}) =>
      run(async () => {
        const gives = await withPictures([input], signal, ([image], transfer) =>
          call('extract', { image: image as Image, options: { levels } }, { signal }, transfer),
        )
        return gives as Features
      }),
    dispose,
  }
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: unknown): void
  readonly onProgress: WorkOptions['onProgress']
  /** What `onProgress` threw. */
  thrown?: { readonly error: unknown }
}

type Call<All> = <Name extends keyof All & string>(
  name: Name,
  takes: All[Name] extends { takes: infer Takes } ? Takes : never,
  options: WorkOptions,
  transfer?: readonly Transferable[],
) => Promise<unknown>

/** Numbers the calls, and brings each answer to whom it belongs. */
function createCaller<All>(port: WorkerPort): Call<All> {
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

  function report(id: number, call: Waiting, progress: Progress): void {
    if (call.thrown) return
    try {
      call.onProgress?.(progress)
    } catch (error) {
      // It stops the work, and is the call's once that has stopped.
      call.thrown = { error }
      port.post({ abort: id })
    }
  }

  port.listen(
    (message) => {
      const { id } = message
      const call = waiting.get(id)
      if (!call) return
      if ('progress' in message) return report(id, call, message.progress)
      end(id)
      if (call.thrown) call.reject(call.thrown.error)
      else if ('error' in message) call.reject(toVertebraError(message.error))
      else call.resolve(message.gives)
    },
    (reason) => fail(new VertebraError('INFERENCE_FAILED', `The model's worker stopped (${reason}): load it again.`)),
  )

  return async (name, takes, { signal, onProgress }, transfer) => {
    throwIfAborted(signal)
    if (death) throw death
    const id = ++lastId
    const unlisten = onAbort(signal, () => port.post({ abort: id }))
    try {
      return await new Promise<unknown>((resolve, reject) => {
        waiting.set(id, { resolve, reject, onProgress })
        if (waiting.size === 1) port.hold?.(true)
        try {
          port.post({ call: name, id, takes }, transfer)
        } catch (cause) {
          end(id)
          const message = `Expected a picture and options that can be copied into a worker: ${messageOf(cause)}`
          reject(new VertebraError('INVALID_ARGUMENT', message, { cause }))
        }
      })
    } catch (error) {
      // The same error as without a worker, with the signal's own reason.
      throwIfAborted(signal)
      throw error
    } finally {
      unlisten?.()
    }
  }
}
