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
  let unlisten: (() => void) | undefined
  const aborted = new Promise<void>((resolve) => {
    if (signal?.aborted) resolve()
    unlisten = onAbort(signal, resolve)
  })
  try {
    await Promise.race([aborted, work])
    throwIfAborted(signal)
    return await work
  } finally {
    unlisten?.()
  }
}

/** Who waits for a signal. They share one listener: Node takes more than ten on a signal for a leak, and says so. */
const waiting = new WeakMap<EventTarget, Set<() => void>>()

function tellAll({ target }: Event): void {
  for (const act of waiting.get(target as EventTarget) ?? []) act()
}

/** Calls `act` when the signal fires, unless what is given back was called before; nothing is, without a signal. */
export function onAbort(signal: AbortSignal | undefined, act: () => void): (() => void) | undefined {
  if (!signal) return
  const acts = waiting.get(signal) ?? new Set()
  waiting.set(signal, acts.add(act))
  signal.addEventListener('abort', tellAll)
  return () => {
    acts.delete(act)
    if (acts.size === 0) signal.removeEventListener('abort', tellAll)
  }
}
