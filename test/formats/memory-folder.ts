import type { TextFolder } from '../../src/formats/index.ts'

/** A folder of texts; pictures are listed with an empty text. */
export function memoryFolder(files: Iterable<readonly [path: string, text: string]>): TextFolder {
  const texts = new Map(files)
  return {
    list: async (folder) => [...texts.keys()].filter((path) => path.startsWith(`${folder}/`)),
    read: async (path) => texts.get(path),
  }
}
