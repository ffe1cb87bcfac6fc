import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'tinyglobby'
import { messageOf, VertebraError } from '../errors.ts'
import type { TextFolder } from '../formats/index.ts'

/** A dataset folder on disk. Links are followed; hidden files are passed over. */
export function textFolder(root: string): TextFolder {
  return {
    async list(folder) {
      const files = await glob('**/*', { cwd: join(root, folder), onlyFiles: true, expandDirectories: false })
      return files.map((file) => (folder === '' ? file : `${folder}/${file}`))
    },
    async read(path) {
      try {
        return await readFile(join(root, path), 'utf8')
      } catch (cause) {
        if (isMissing(cause)) return undefined
        throw new VertebraError('DATA_INVALID', `Could not read ${join(root, path)}: ${messageOf(cause)}.`, { cause })
      }
    },
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR'
}
