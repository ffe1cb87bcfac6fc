import { access, constants, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf, VertebraError } from '../errors.ts'

/**
 * Writes a file whole or not at all: into a temporary file beside it, which then takes its name. Missing folders are made.
 * @param content the whole, or its pieces one after another
 * @throws VertebraError `OUTPUT_FAILED` that names the file; what was there before is untouched.
 */
export async function writeWhole(path: string, content: string | Uint8Array | Generator<Uint8Array>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(temporary, content)
    await rename(temporary, path)
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
