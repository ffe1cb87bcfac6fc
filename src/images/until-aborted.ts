import { throwIfAborted } from '../progress.ts'

/**
 * The result of `work`, or `ABORTED` as soon as the signal fires; then `work` goes on unheard. Each call listens for itself:
 * what is raced with a promise as long-lived as the signal stays in memory as long.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  let stop = (): void => {}
  const aborted = new Promise<void>((resolve) => {
    stop = resolve
    signal?.addEventListener('abort', stop)
    if (signal?.aborted) stop()
  })
  try {
    await Promise.race([aborted, work])
    throwIfAborted(signal)
    return await work
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
