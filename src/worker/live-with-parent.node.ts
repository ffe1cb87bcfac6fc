/**
 * For a process that works for the one that started it: Ctrl-C and what ends a terminal or a service reach every process
 * of it, and this one lets them pass and ends when its parent does.
 */
export function liveWithParent(): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
  process.on('disconnect', () => process.exit())
}
