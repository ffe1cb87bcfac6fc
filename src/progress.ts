import { VertebraError } from './errors.ts'

/** One step of long work, handed to `onProgress`. */
export interface Progress {
  /** What is being done, for example `load` or `detect`. */
  readonly phase: string
  /** Finished units. */
  readonly done: number
  /** All units, when that is known. */
  readonly total?: number
  /** The unit just finished: a file name, a URL. */
  readonly item?: string
}

/** What every long call takes. */
export interface WorkOptions {
  /** Cancels the call: it then throws a `VertebraError` with code `ABORTED`. */
  readonly signal?: AbortSignal | undefined
  /** Called as the work goes on. An error it throws stops the work. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** @throws VertebraError `ABORTED` when the signal has fired; its reason is the `cause`. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new VertebraError('ABORTED', 'The work was cancelled by its AbortSignal.', { cause: signal.reason })
  }
}

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
