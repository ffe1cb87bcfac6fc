import { readFileSync } from 'node:fs'

/**
 * The peak resident memory of this process, in bytes.
 *
 * On Linux `getrusage` of a process that was just started begins at its parent's peak, so the kernel's own count is read.
 */
export function peakMemory(): number {
  if (process.platform === 'linux') {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    if (kilobytes !== undefined) return Number(kilobytes) * 1024
  }
  return process.resourceUsage().maxRSS * 1024
}
