import type { DetectorCore } from '../detector/detector.ts'
import { VertebraError } from '../errors.ts'
import type { WorkOptions } from '../progress.ts'
import { type Calls, type FromWorker, type Port, type Request, type ToWorker, toPlainError } from './protocol.ts'

/**
 * The worker's side: loads one detector when it is told to, and answers calls until it is disposed. Calls run as they come;
 * each can be aborted by its number.
 */
export function serveDetector<Model, LoadOptions extends WorkOptions, Image>(
  port: Port<ToWorker<Calls<Model, LoadOptions, Image>>, FromWorker>,
  load: (
    model: Model,
    options: Omit<LoadOptions, 'signal' | 'onProgress'> & WorkOptions,
  ) => Promise<DetectorCore<Image>>,
): void {
  const running = new Map<number, AbortController>()
  let detector: Promise<DetectorCore<Image>> | undefined

  async function loaded(): Promise<DetectorCore<Image>> {
    if (!detector) throw new VertebraError('DISPOSED', 'This detector was not loaded, or was disposed.')
    return detector
  }

  async function answer(request: Request<Calls<Model, LoadOptions, Image>>, work: WorkOptions): Promise<unknown> {
    switch (request.call) {
      case 'load': {
        detector = load(request.takes.model, { ...request.takes.options, ...work })
        const { manifest, device, precision, runtime } = await detector
        return { manifest, device, precision, runtime }
      }
      case 'detect':
        return (await loaded()).detectBatch(request.takes.images, { ...request.takes.options, ...work })
      case 'extract':
        return (await loaded()).extract(request.takes.image, { ...request.takes.options, ...work })
      case 'dispose':
        await (await loaded()).dispose()
        detector = undefined
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
      port.post({ id, error: toPlainError(error) })
    } finally {
      running.delete(id)
      if (request.call === 'detect') closeAll(request.takes.images)
    }
  }

  port.listen((message) => {
    if ('abort' in message) running.get(message.abort)?.abort()
    else void serve(message)
  })
}

/** The numbers of feature maps, which move instead of being copied. */
function buffersOf(features: unknown): ArrayBuffer[] {
  return Object.values(features as Record<string, { data: Float32Array<ArrayBuffer> }>).map(({ data }) => data.buffer)
}

/** Frames that were moved here are this side's to free. */
function closeAll(images: readonly unknown[]): void {
  for (const image of images) {
    if (typeof image === 'object' && image !== null && 'close' in image && typeof image.close === 'function')
      image.close()
  }
}
