import type { Page } from 'playwright-core'

/** Bytes of JavaScript's own heap after a full collection: of the page, then of each of its workers. */
export interface Heaps extends AsyncDisposable {
  collected(): Promise<number[]>
}

interface HeapUsage {
  readonly usedSize: number
}

/** Watches the heaps of a page and of the workers that it has or starts. */
export async function watchHeaps(page: Page): Promise<Heaps> {
  const session = await page.context().newCDPSession(page)
  const workers = new Set<string>()
  const waiting = new Map<number, { sessionId: string; answer: (answer: { result?: HeapUsage }) => void }>()
  let lastId = 0
  session.on('Target.attachedToTarget', ({ sessionId }) => workers.add(sessionId))
  // A worker that has ended gives no answer any more.
  session.on('Target.detachedFromTarget', ({ sessionId }) => {
    workers.delete(sessionId)
    for (const one of waiting.values()) if (one.sessionId === sessionId) one.answer({})
  })
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const answer = JSON.parse(message) as { id?: number; result?: HeapUsage }
    if (answer.id !== undefined) waiting.get(answer.id)?.answer(answer)
  })
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })

  async function askWorker(sessionId: string, method: string): Promise<HeapUsage | undefined> {
    const id = ++lastId
    const answer = new Promise<{ result?: HeapUsage }>((resolve) => waiting.set(id, { sessionId, answer: resolve }))
    const message = JSON.stringify({ id, method })
    await session.send('Target.sendMessageToTarget', { sessionId, message }).catch(() => waiting.get(id)?.answer({}))
    const { result } = await answer
    waiting.delete(id)
    return result
  }

  return {
    async collected() {
      await session.send('HeapProfiler.collectGarbage')
      const sizes = [(await session.send('Runtime.getHeapUsage')).usedSize]
      for (const worker of [...workers]) {
        await askWorker(worker, 'HeapProfiler.collectGarbage')
        const usage = await askWorker(worker, 'Runtime.getHeapUsage')
        if (usage) sizes.push(usage.usedSize)
      }
      return sizes
    },
    async [Symbol.asyncDispose]() {
      await session.detach()
    },
  }
}
