import { VertebraError } from '../errors.ts'

/** The calls of a model, which is freed once they have ended. */
export interface Lifetime {
  /** @throws VertebraError `DISPOSED` after `dispose`; what `work` throws. */
  run<T>(work: () => Promise<T>): Promise<T>
  dispose(): Promise<void>
}

export function createLifetime(free: () => Promise<void>): Lifetime {
  const running = new Set<Promise<unknown>>()
  let disposed: Promise<void> | undefined
  return {
    async run(work) {
      if (disposed) throw new VertebraError('DISPOSED', 'This model was disposed: load it again to use it.')
      const call = work()
      running.add(call)
      try {
        return await call
      } finally {
        running.delete(call)
      }
    },
    dispose() {
      disposed ??= Promise.allSettled(running).then(free)
      return disposed
    },
  }
}
