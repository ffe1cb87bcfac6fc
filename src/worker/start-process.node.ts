import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { DetectorCore } from '../detector/detector.ts'
import type { LoadOptions } from '../detector/load.ts'
import type { RawImage } from '../images/image.ts'
import { modelAddress } from './model-address.node.ts'
import type { FromWorker, WorkerPort } from './protocol.ts'
import { loadRemotely } from './remote-model.ts'

/**
 * Loads a detector in a process of its own. Unlike a thread it takes nothing with it when native code crashes, and ends in
 * order when this process ends in the middle of its work.
 */
export async function startProcess(model: string | URL, options: LoadOptions): Promise<DetectorCore<RawImage>> {
  const address = modelAddress(model)
  return loadRemotely(startPort(), { model: address, part: 'detector' }, options, async (image: RawImage) => ({
    image,
    transfer: [],
  }))
}

function startPort(): WorkerPort {
  const child = fork(fileURLToPath(new URL('./worker.node.js', import.meta.url)), {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  function hold(isBusy: boolean): void {
    for (const handle of [child, child.channel]) {
      if (isBusy) handle?.ref()
      else handle?.unref()
    }
  }
  return {
    post(message) {
      // A failure to send is the end of the process, which is heard below.
      if (child.connected) child.send(message as object, () => {})
    },
    listen(onMessage, onFailure) {
      child.on('message', (message) => onMessage(message as FromWorker))
      child.on('error', (error) => onFailure?.(error.message))
      child.on('exit', (code, signal) => onFailure?.(`it ended with ${signal ?? `code ${code}`}`))
    },
    hold,
    close() {
      if (child.connected) child.disconnect()
    },
  }
}
