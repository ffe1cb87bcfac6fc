import { cpus, release, totalmem } from 'node:os'
import type { Machine } from './report.ts'

/** What a measurement depends on and does not show. */
export function describeMachine(): Machine {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() || 'unknown',
    cores: processors.length,
    memory: totalmem(),
    system: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
  }
}
