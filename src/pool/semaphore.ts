import { onAbort, throwIfAborted } from '../progress.ts'

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
      let unlisten: (() => void) | undefined
      try {
        await new Promise<void>((enter, refuse) => {
          const waiting = { enter, refuse }
          queue.add(waiting)
          unlisten = onAbort(signal, () => {
            // At once: a place that comes free in this very turn is the next one's.
            queue.delete(waiting)
            refuse(new Error('aborted'))
          })
        })
      } catch (error) {
        throwIfAborted(signal)
        throw error
      } finally {
        unlisten?.()
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
