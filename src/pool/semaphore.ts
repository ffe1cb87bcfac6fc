import { throwIfAborted } from '../progress.ts'

/** A number of places; who finds none free waits, first come, first served. */
export interface Semaphore {
  /** @throws VertebraError `ABORTED` when the signal fires before a place is free; whatever `close` was given. */
  acquire(signal?: AbortSignal): Promise<void>
  release(): void
  /** Refuses all who wait, and all who come. */
  close(reason: Error): void
}

interface Waiting {
  readonly enter: () => void
  readonly refuse: (reason: Error) => void
}

export function createSemaphore(places: number): Semaphore {
  const queue = new Set<Waiting>()
  let free = places
  let closed: Error | undefined

  return {
    async acquire(signal) {
      if (closed) throw closed
      throwIfAborted(signal)
      if (free > 0) {
        free -= 1
        return
      }
      let waiting: Waiting | undefined
      let onAbort: (() => void) | undefined
      try {
        await new Promise<void>((enter, refuse) => {
          waiting = { enter, refuse }
          queue.add(waiting)
          onAbort = () => refuse(new Error('aborted'))
          signal?.addEventListener('abort', onAbort)
        })
      } catch (error) {
        throwIfAborted(signal)
        throw error
      } finally {
        if (waiting) queue.delete(waiting)
        if (onAbort) signal?.removeEventListener('abort', onAbort)
      }
    },
    release() {
      const [next] = queue
      if (!next) free += 1
      else {
        queue.delete(next)
        next.enter()
      }
    },
    close(reason) {
      closed = reason
      for (const { refuse } of queue) refuse(reason)
      queue.clear()
    },
  }
}
