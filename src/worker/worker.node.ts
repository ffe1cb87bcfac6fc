import { parentPort } from 'node:worker_threads'
import { openClassifier } from '../classify/load.ts'
import { type LoadOptions, openDetector } from '../detector/load.ts'
import { decodeImage } from '../images/decode.node.ts'
import { locateModel } from '../models/locate.node.ts'
import { nodeRuntime } from '../runtime/node.ts'
import { liveWithParent } from './live-with-parent.node.ts'
import type { Calls, FromWorker, Port, ToWorker } from './protocol.ts'
import { serveModel } from './serve.ts'
import type { ThreadImage, ThreadModel } from './start.node.ts'

// The script of the thread or process: like worker.web.ts it does something when it is loaded.
type Message = ToWorker<Calls<ThreadModel, LoadOptions, ThreadImage>>

const port: Port<Message, FromWorker> = parentPort ? threadPort(parentPort) : processPort()

serveModel(port, async ({ model, part }, options) => {
  const files = await locateModel(model)
  const runtime = await nodeRuntime()
  return part === 'classifier'
    ? openClassifier(files, runtime, decodeImage, options)
    : openDetector(files, runtime, decodeImage, part, options)
})

function threadPort(parent: NonNullable<typeof parentPort>): Port<Message, FromWorker> {
  return {
    post: (message, transfer = []) => parent.postMessage(message, transfer as readonly ArrayBuffer[]),
    listen(onMessage) {
      parent.on('message', onMessage)
    },
  }
}

function processPort(): Port<Message, FromWorker> {
  liveWithParent()
  return {
    post(message) {
      if (process.connected) process.send?.(message)
    },
    listen(onMessage) {
      process.on('message', (message) => onMessage(message as Message))
    },
  }
}
