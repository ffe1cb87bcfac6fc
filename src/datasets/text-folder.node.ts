import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'tinyglobby'
import { messageOf, VertebraError } from '../errors.ts'
import type { TextFolder } from '../formats/index.ts'
import { xmlText } from './xml-text.ts'

const utf8 = new TextDecoder()

/**
 * A dataset folder on disk. Links are followed; hidden files are passed over.
 *
 * @param opened takes the path of every file that is read.
 */
export function textFolder(root: string, opened: Set<string>): TextFolder {
  return {
    async list(folder) {
      const files = await glob('**/*', { cwd: join(root, folder), onlyFiles: true, expandDirectories: false })
      return files.map((file) => (folder === '' ? file : `${folder}/${file}`))
    },
    async read(path) {
      const file = join(root, path)
      let bytes: Uint8Array
      try {
        bytes = await readFile(file)
      } catch (cause) {
        if (isMissing(cause)) return undefined
        throw new VertebraError('DATA_INVALID', `Could not read ${file}: ${messageOf(cause)}.`, { cause })
      }
      opened.add(file)
      return path.endsWith('.xml') ? xmlText(bytes, path) : utf8.decode(bytes)
    },
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR'
}
