import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { LoadOptions } from '../detector/load.ts'
import { decodeImage, type ImageInput } from '../images/decode.node.ts'
import type { RawImage } from '../images/image.ts'
import type { FromWorker, Port, RemotePart } from './protocol.ts'
import { loadRemotely, type Portable, type RemoteModel } from './remote-model.ts'

/** The forms of a picture that a thread of Node can take. */
export type ThreadImage = string | Uint8Array | ArrayBuffer | Blob | RawImage

/** What the thread needs beside the options. */
export interface ThreadModel {
  readonly model: string
  readonly part: RemotePart
}

/** Loads a model in a thread of its own. */
export async function startWorker(
  model: string | URL,
  part: RemotePart,
  options: LoadOptions,
): Promise<RemoteModel<ImageInput>> {
  // Of this process's flags only the one about `--eval` scripts is not for threads.
  const execArgv = process.execArgv.filter((flag) => !flag.startsWith('--input-type'))
  const worker = new Worker(new URL('./worker.node.js', import.meta.url), { name: 'vertebra', execArgv })
  return loadRemotely(portOf(worker), { model: String(model), part }, options, toThreadImage)
}

function portOf(worker: Worker): Port<FromWorker, unknown> {
  let closed = false
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer as readonly ArrayBuffer[]),
    listen(onMessage, onFailure) {
      worker.on('message', onMessage)
      worker.on('error', (error) => onFailure?.(error.message))
      worker.on('exit', (code) => {
        if (!closed) onFailure?.(`it ended with code ${code}`)
      })
    },
    hold(isBusy) {
      if (isBusy) worker.ref()
      else worker.unref()
    },
    close() {
      closed = true
      void worker.terminate()
    },
  }
}

/** Bytes, paths and pixels go over; a stream or a sharp pipeline belongs to this thread and is decoded here. */
async function toThreadImage(input: ImageInput, signal: AbortSignal | undefined): Promise<Portable<ThreadImage>> {
  if (typeof input === 'string') return { image: input, transfer: [] }
  if (input instanceof URL)
    return { image: input.protocol === 'file:' ? fileURLToPath(input) : input.href, transfer: [] }
  if (input instanceof Uint8Array || input instanceof ArrayBuffer || input instanceof Blob) {
    return { image: input, transfer: [] }
  }
  const { width, height, data } = await decodeImage(input, { signal })
  return { image: { width, height, data, channels: 3 }, transfer: [] }
}
