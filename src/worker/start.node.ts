import { Worker } from 'node:worker_threads'
import type { LoadOptions } from '../detector/load.ts'
import { decodeImage, type ImageInput } from '../images/decode.node.ts'
import type { RawImage } from '../images/image.ts'
import { modelAddress } from './model-address.node.ts'
import type { RemotePart, WorkerPort } from './protocol.ts'
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
  const address = modelAddress(model)
  // A thread takes over this process's flags by itself. Of a script that is no file, which it would refuse, it gets none.
  const isScript = process.execArgv.some((flag) => flag.startsWith('--input-type'))
  const worker = new Worker(new URL('./worker.node.js', import.meta.url), {
    name: 'vertebra',
    ...(isScript && { execArgv: [] }),
  })
  return loadRemotely(portOf(worker), { model: address, part }, options, toThreadImage)
}

function portOf(worker: Worker): WorkerPort {
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
  if (input instanceof URL && /^(data|file|https?):$/.test(input.protocol)) return { image: input.href, transfer: [] }
  if (input instanceof Uint8Array) return { image: withoutRest(input), transfer: [] }
  if (input instanceof ArrayBuffer || input instanceof Blob) return { image: input, transfer: [] }
  const { width, height, data } = await decodeImage(input, { signal })
  return { image: { width, height, data: withoutRest(data), channels: 3 }, transfer: [] }
}

/** A view would take the whole of its buffer along. */
function withoutRest<Bytes extends Uint8Array | Uint8ClampedArray>(data: Bytes): Bytes | Uint8Array {
  return data.byteLength < data.buffer.byteLength ? new Uint8Array(data) : data
}
