import type { LoadOptions } from '../detector/load.ts'
import type { ImageInput } from '../images/decode.web.ts'
import type { PortableModel } from '../models/locate.web.ts'
import type { RuntimeModules } from '../runtime/web.ts'
import { toWorkerImage } from './portable.web.ts'
import type { FromWorker, RemotePart, WorkerPort } from './protocol.ts'
import { loadRemotely, type RemoteModel } from './remote-model.ts'

/** What the worker needs beside the options. */
export interface WorkerModel {
  readonly model: PortableModel
  readonly part: RemotePart
  readonly modules: RuntimeModules
}

/** Loads a model in a Web Worker. */
export async function startWorker(
  model: PortableModel,
  part: RemotePart,
  modules: RuntimeModules,
  create: (() => Worker) | undefined,
  options: LoadOptions,
): Promise<RemoteModel<ImageInput>> {
  const worker = create === undefined ? ownWorker() : create()
  return loadRemotely(portOf(worker), { model, part, modules }, options, toWorkerImage)
}

/** Bundlers know this very form of words, and bundle the file that it names. */
function ownWorker(): Worker {
  try {
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'vertebra' })
  } catch (error) {
    // A worker must come from the page's own site; a module that it imports may come from another one, such as a CDN.
    if (!(error instanceof DOMException && error.name === 'SecurityError')) throw error
    return importingWorker(import.meta.url)
  }
}

/** In words that no bundler takes for a file to bundle: one that bundles never comes here. */
function importingWorker(moduleUrl: string): Worker {
  const source = `import ${JSON.stringify(new URL('worker.js', moduleUrl).href)}`
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  return new Worker(url, { type: 'module', name: 'vertebra' })
}

function portOf(worker: Worker): WorkerPort {
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    listen(onMessage, onFailure) {
      worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => onMessage(data))
      worker.addEventListener('error', (event) => {
        event.preventDefault()
        onFailure?.(event.message ?? 'its script could not be loaded')
      })
      worker.addEventListener('messageerror', () => onFailure?.('a message could not be read'))
    },
    close: () => worker.terminate(),
  }
}
