import { realpath } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { unexpected } from '../errors.ts'

/**
 * Refuses to write over what is read, by whatever path or link either is named.
 *
 * @param option that names the output, for the message.
 * @throws VertebraError `INVALID_ARGUMENT` that names the output.
 */
export async function keepInputs(option: string, outputs: readonly string[], inputs: Iterable<string>): Promise<void> {
  const there = new Map<string, string>()
  for (const output of outputs) {
    const place = await placeOf(output)
    if (place !== undefined) there.set(place, output)
  }
  if (there.size === 0) return
  for (const input of inputs) {
    const output = there.get((await placeOf(input)) ?? '')
    if (output !== undefined)
      throw unexpected(option, 'another place than an input, which would be overwritten,', output)
  }
}

/** Whether two paths lead to one file or folder that is there. */
export async function isSamePlace(one: string, other: string): Promise<boolean> {
  const place = await placeOf(one)
  return place !== undefined && place === (await placeOf(other))
}

/** The path without links; undefined where there is no such file (yet), as for URLs and standard input. */
function placeOf(path: string): Promise<string | undefined> {
  return realpath(path.startsWith('file:') ? fileURLToPath(path) : path).catch(() => undefined)
}
