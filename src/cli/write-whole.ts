import { access, constants, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf, VertebraError } from '../errors.ts'

/**
 * Writes a file whole or not at all: into a temporary file beside it, which then takes its name. Missing folders are made.
 * Links are followed; what is there and is no regular file (a device, a pipe) is written into as it is.
 *
 * @param content the whole, or its pieces one after another
 * @throws VertebraError `OUTPUT_FAILED` that names the file; what was there before is untouched.
 */
export async function writeWhole(path: string, content: string | Uint8Array | Generator<Uint8Array>): Promise<void> {
  const target = await targetOf(path)
  const temporary = join(dirname(target.path), `.${basename(target.path)}.${process.pid}.tmp`)
  try {
    if (target.kind === 'special') return await writeFile(target.path, content)
    await mkdir(dirname(target.path), { recursive: true })
    await writeFile(temporary, content)
    await rename(temporary, target.path)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new VertebraError('OUTPUT_FAILED', `Expected to write ${path} but it failed: ${messageOf(cause)}.`, { cause })
  }
}

/**
 * Makes a folder and checks that files can be written into it.
 * @throws VertebraError `OUTPUT_FAILED` that names the folder.
 */
export async function checkWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (cause) {
    throw new VertebraError(
      'OUTPUT_FAILED',
      `Expected a folder to write into but ${folder} is not: ${messageOf(cause)}.`,
      {
        cause,
      },
    )
  }
}

/**
 * Makes the folder of a file and checks that the file can be written.
 * @throws VertebraError `OUTPUT_FAILED` that names the folder, or the file where a folder has its name.
 */
export async function checkFileWritable(path: string): Promise<void> {
  const target = await targetOf(path)
  if (target.kind === 'folder') {
    throw new VertebraError('OUTPUT_FAILED', `Expected a file to write to but ${path} is a folder.`)
  }
  if (target.kind === 'file') await checkWritable(dirname(target.path))
}

/** Where writing goes, and what is there already; `file` also where nothing is. */
async function targetOf(path: string): Promise<{ path: string; kind: 'file' | 'folder' | 'special' }> {
  const target = await realpath(path).catch(() => path)
  const entry = await stat(target).catch(() => undefined)
  const kind = entry === undefined || entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'special'
  return { path: target, kind }
}
