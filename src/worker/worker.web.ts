import { openClassifier } from '../classify/load.ts'
import { type LoadOptions, openDetector } from '../detector/load.ts'
import { decodeImage } from '../images/decode.web.ts'
import { locateModel } from '../models/locate.web.ts'
import { createWebRuntime } from '../runtime/web.ts'
import type { WorkerImage } from './portable.web.ts'
import type { Calls, FromWorker, Port, ToWorker } from './protocol.ts'
import { serveModel } from './serve.ts'
import type { WorkerModel } from './start.web.ts'

// The script of the Web Worker: the one file of this library that does something when it is loaded.
const port: Port<ToWorker<Calls<WorkerModel, LoadOptions, WorkerImage>>, FromWorker> = {
  post: (message, transfer = []) => self.postMessage(message, { transfer: [...transfer] }),
  listen(onMessage) {
    self.addEventListener('message', ({ data }: MessageEvent<ToWorker<Calls<WorkerModel, LoadOptions, WorkerImage>>>) =>
      onMessage(data),
    )
  },
}

serveModel(port, async ({ model, part, modules }, options) => {
  const files = await locateModel(model)
  const runtime = createWebRuntime(modules)
  return part === 'classifier'
    ? openClassifier(files, runtime, decodeImage, options)
    : openDetector(files, runtime, decodeImage, part, options)
})
