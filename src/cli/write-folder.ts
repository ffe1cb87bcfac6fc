import { lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf, VertebraError } from '../errors.ts'

/**
 * Writes files into a folder, all of them or none: into a hidden folder within it, which a failure or an interruption removes, and
 * from which they move when all are there. Other files of the folder stay.
 *
 * @param last the file that makes the folder what it is. It moves last, and where there is one already, that goes first: nobody finds
 * it beside files that are not its own.
 * @param write fills the hidden folder.
 * @throws VertebraError `OUTPUT_FAILED`, and whatever `write` throws; the folder is then as it was, or is not there if it was not.
 */
export async function writeFolder<T>(out: string, last: string, write: (hidden: string) => Promise<T>): Promise<T> {
  const { hidden, made } = await hiddenFolder(out)
  let isWritten = false
  try {
    const result = await write(join(hidden, NEW))
    await moveOut(hidden, out, last)
    isWritten = true
    return result
  } finally {
    if (isWritten || (await isEmpty(join(hidden, OLD)))) await rm(hidden, { recursive: true, force: true })
    if (!isWritten && made !== undefined) await removeEmpty(resolve(out), made)
  }
}

const NEW = 'new'
const OLD = 'old'

/** @returns `made`: the first of the folders that had to be made. */
async function hiddenFolder(out: string): Promise<{ hidden: string; made: string | undefined }> {
  let made: string | undefined
  try {
    made = await mkdir(resolve(out), { recursive: true })
    const hidden = await mkdtemp(join(out, '.unfinished-'))
    for (const name of [NEW, OLD]) await mkdir(join(hidden, name))
    return { hidden, made }
  } catch (cause) {
    if (made !== undefined) await removeEmpty(resolve(out), made)
    const message = `Expected a folder to write into but ${out} is not: ${messageOf(cause)}.`
    throw new VertebraError('OUTPUT_FAILED', message, { cause })
  }
}

async function moveOut(hidden: string, out: string, last: string): Promise<void> {
  const [fresh, old] = [join(hidden, NEW), join(hidden, OLD)]
  const undo: [from: string, to: string][] = []
  const move = async (from: string, to: string): Promise<void> => {
    await rename(from, to)
    undo.push([to, from])
  }
  try {
    const names = (await readdir(fresh)).sort((a, b) => Number(a === last) - Number(b === last))
    for (const name of names.toReversed()) {
      const there = await lstat(join(out, name)).catch(() => undefined)
      if (there?.isDirectory()) throw new Error(`${name} is a folder`)
      if (there) await move(join(out, name), join(old, name))
    }
    for (const name of names) await move(join(fresh, name), join(out, name))
  } catch (cause) {
    for (const [from, to] of undo.reverse()) await rename(from, to).catch(() => {})
    const kept = (await isEmpty(old)) ? '' : `; what was there is in ${old}`
    const message = `Expected to write ${out} but it failed: ${messageOf(cause)}${kept}.`
    throw new VertebraError('OUTPUT_FAILED', message, { cause })
  }
}

async function isEmpty(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length === 0
}

/** Folders that were made for nothing, from the innermost to the outermost; one that somebody put something into stays. */
async function removeEmpty(inner: string, outermost: string): Promise<void> {
  for (let folder = inner; folder.length >= outermost.length; folder = dirname(folder)) {
    try {
      await rmdir(folder)
    } catch {
      return
    }
  }
}
