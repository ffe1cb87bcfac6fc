import type { Progress } from '../progress.ts'
import { printable } from './text-table.ts'

/** One line on stderr that shows how far long work is. Nothing is shown when stderr is not a terminal. */
export interface ProgressBar {
  update(progress: Progress): void
  /** Removes the line, so that results can be printed. */
  clear(): void
}

const WIDTH = 24
const EVERY_MS = 100

/**
 * @param unit what is counted, for the rate: `photos` gives "2.3 photos/s".
 * @param stream where to draw; only a terminal is drawn on.
 */
export function progressBar(unit: string, stream: NodeJS.WriteStream = process.stderr): ProgressBar {
  if (!stream.isTTY) return { update() {}, clear() {} }
  const start = performance.now()
  let drawnAt = 0
  let drawn = false
  return {
    update(progress) {
      const now = performance.now()
      if (now - drawnAt < EVERY_MS && progress.done !== progress.total) return
      drawnAt = now
      drawn = true
      const line = progressLine(progress, unit, (now - start) / 1000)
      stream.write(`\r\x1b[2K${line.slice(0, Math.max(0, (stream.columns ?? 80) - 1))}`)
    },
    clear() {
      if (drawn) stream.write('\r\x1b[2K')
      drawn = false
    },
  }
}

/** `detect [######------------------] 12/48  2.3 photos/s  16 s left  street.jpg` */
export function progressLine({ phase, done, total, item }: Progress, unit: string, seconds: number): string {
  const rate = seconds > 0 ? done / seconds : 0
  const parts = [phase]
  if (total !== undefined && total > 0) {
    const filled = Math.round((WIDTH * done) / total)
    parts[0] += ` [${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${done}/${total}`
  } else {
    parts[0] += ` ${done}`
  }
  if (rate > 0) parts.push(`${rate < 10 ? rate.toFixed(1) : Math.round(rate)} ${unit}/s`)
  if (rate > 0 && total !== undefined && total > done) parts.push(`${duration((total - done) / rate)} left`)
  if (item) parts.push(printable(item))
  return parts.join('  ')
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}
