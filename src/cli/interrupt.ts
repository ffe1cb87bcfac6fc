import { constants } from 'node:os'

/** Ctrl-C, what `kill`, services and containers send, and a terminal that was closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Interrupt {
  /** Fires at the first of the signals; the second ends the process at once. */
  readonly signal: AbortSignal
  /** 128 and the number of the signal that fired, as shells have it: 130, 143 or 129. */
  exitCode(): number | undefined
}

export function listenForInterrupt(): Interrupt {
  const controller = new AbortController()
  let code: number | undefined
  const onSignal = (fired: NodeJS.Signals): void => {
    for (const name of SIGNALS) process.off(name, onSignal)
    code = 128 + constants.signals[fired]
    controller.abort(new Error('interrupted'))
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return { signal: controller.signal, exitCode: () => code }
}
