import type { ClassifierCore } from '../classify/classifier.ts'
import type { DetectorCore } from '../detector/detector.ts'
import { VertebraError } from '../errors.ts'
import type { WorkOptions } from '../progress.ts'
import { closeAll } from './close-all.ts'
import { type Calls, type FromWorker, type Port, type Request, type ToWorker, toPlainError } from './protocol.ts'

type ServedModel<Image> = DetectorCore<Image> | ClassifierCore<Image>

/**
 * The worker's side: loads one model when it is told to, and answers calls until it is disposed. Calls run as they come;
 * each can be aborted by its number.
 */
export function serveModel<Model, LoadOptions extends WorkOptions, Image>(
  port: Port<ToWorker<Calls<Model, LoadOptions, Image>>, FromWorker>,
  load: (
    model: Model,
    options: Omit<LoadOptions, 'signal' | 'onProgress'> & WorkOptions,
  ) => Promise<ServedModel<Image>>,
): void {
  const running = new Map<number, AbortController>()
  let model: Promise<ServedModel<Image>> | undefined

  async function loaded(): Promise<ServedModel<Image>> {
    if (!model) throw new VertebraError('DISPOSED', 'This model was not loaded, or was disposed.')
    return model
  }

  async function answer(request: Request<Calls<Model, LoadOptions, Image>>, work: WorkOptions): Promise<unknown> {
    switch (request.call) {
      case 'load': {
        model = load(request.takes.model, { ...request.takes.options, ...work })
        const { manifest, device, precision, runtime } = await model
        return { manifest, device, precision, runtime }
      }
      case 'detect':
        return asDetector(await loaded()).detectBatch(request.takes.images, { ...request.takes.options, ...work })
      case 'classify':
        return asClassifier(await loaded()).classify(request.takes.image, { ...request.takes.options, ...work })
      case 'extract':
        return (await loaded()).extract(request.takes.image, { ...request.takes.options, ...work })
      case 'dispose':
        await (await loaded()).dispose()
        model = undefined
        return undefined
    }
  }

  async function serve(request: Request<Calls<Model, LoadOptions, Image>>): Promise<void> {
    const { id } = request
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const gives = await answer(request, {
        signal: controller.signal,
        onProgress: (progress) => port.post({ id, progress }),
      })
      port.post({ id, gives }, request.call === 'extract' ? buffersOf(gives) : [])
    } catch (error) {
      const plain = toPlainError(error)
      try {
        port.post({ id, error: plain })
      } catch {
        // Its value cannot be copied.
        port.post({ id, error: { ...plain, value: undefined } })
      }
    } finally {
      running.delete(id)
      closeAll(imagesOf(request.takes)) // what was moved here is this side's to free
    }
  }

  port.listen((message) => {
    if ('abort' in message) running.get(message.abort)?.abort()
    else void serve(message)
  })
}

function asDetector<Image>(model: ServedModel<Image>): DetectorCore<Image> {
  if ('detectBatch' in model) return model
  throw new VertebraError(
    'MODEL_INVALID',
    `Expected a detector but "${model.manifest.name}" was loaded as a classifier.`,
  )
}

function asClassifier<Image>(model: ServedModel<Image>): ClassifierCore<Image> {
  if ('classify' in model) return model
  throw new VertebraError(
    'MODEL_INVALID',
    `Expected a classifier but "${model.manifest.name}" was loaded as a detector.`,
  )
}

function imagesOf(takes: object): readonly unknown[] {
  if ('images' in takes && Array.isArray(takes.images)) return takes.images
  return 'image' in takes ? [takes.image] : []
}

/** The numbers of feature maps, which move instead of being copied. */
function buffersOf(features: unknown): ArrayBuffer[] {
  return Object.values(features as Record<string, { data: Float32Array<ArrayBuffer> }>).map(({ data }) => data.buffer)
}
