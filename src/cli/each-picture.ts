import { endsEverything } from '../detector/detect-all.ts'
import { messageOf } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import { oneLine } from './one-line.ts'
import type { ProgressBar } from './progress-bar.ts'

/**
 * Does something with one picture after another. One that fails is noted and the others go on.
 *
 * @param phase what is done, for the bar: `embed`
 * @returns what failed, a message each that names the picture
 * @throws VertebraError `ABORTED`, `DEPENDENCY_MISSING` and whatever else is not about a single picture
 */
export async function eachPicture(
  images: readonly string[],
  phase: string,
  bar: ProgressBar,
  signal: AbortSignal,
  work: (image: string) => Promise<void>,
): Promise<string[]> {
  const failures: string[] = []
  for (const [i, image] of images.entries()) {
    throwIfAborted(signal)
    try {
      await work(image)
    } catch (error) {
      if (endsEverything(error)) throw error
      const message = messageOf(error)
      failures.push(message.includes(image) ? message : `${image}: ${message}`)
    }
    // A bar for one picture would only flicker.
    if (images.length > 1) bar.update({ phase, done: i + 1, total: images.length, item: image })
  }
  return failures
}

/** What failed, at the end of a command, on stderr. */
export function reportFailures(failures: readonly string[]): void {
  if (failures.length === 0) return
  process.stderr.write(`${failures.length} failed:\n${failures.map((failure) => `  ${oneLine(failure)}\n`).join('')}`)
}
