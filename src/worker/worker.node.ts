import { parentPort } from 'node:worker_threads'
import { type LoadOptions, openDetector } from '../detector/load.ts'
import { decodeImage } from '../images/decode.node.ts'
import { locateModel } from '../models/locate.node.ts'
import { nodeRuntime } from '../runtime/node.ts'
import type { Calls, FromWorker, Port, ToWorker } from './protocol.ts'
import { serveDetector } from './serve.ts'
import type { ThreadImage, ThreadModel } from './start.node.ts'

// The script of the thread: like worker.web.ts it does something when it is loaded.
const port: Port<ToWorker<Calls<ThreadModel, LoadOptions, ThreadImage>>, FromWorker> = {
  post: (message, transfer = []) => parentPort?.postMessage(message, transfer as readonly ArrayBuffer[]),
  listen(onMessage) {
    parentPort?.on('message', onMessage)
  },
  close: () => parentPort?.close(),
}

serveDetector(port, async ({ model, part }, options) =>
  openDetector(await locateModel(model), await nodeRuntime(), decodeImage, part, options),
)
