import { readFile, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { messageOf, VertebraError } from '../errors.ts'
import {
  decodePictureIndex,
  encodePictureIndex,
  type IndexedPicture,
  type PictureIndex,
  type VectorSource,
} from '../similar/picture-index.ts'
import { readStandardInput } from './standard-input.ts'
import { checkWritable, writeWhole } from './write-whole.ts'

type Embed = (input: string | Uint8Array) => Promise<Float32Array>

/** The vectors of pictures: those that an index file keeps, and new ones for what it has not or what has changed. */
export interface Vectors {
  /** Whether there was an index file. */
  readonly isKept: boolean
  /** How many pictures went through the network. */
  readonly embedded: number
  /** The pictures of the index file, as paths from here. */
  paths(): string[]
  /** @throws VertebraError `DATA_INVALID` when the kept vectors come from another model or level. */
  check(source: VectorSource): void
  /** The vector of a picture; `keep`: for another time, if it is a file. */
  of(picture: string, embed: Embed, options: { readonly keep: boolean }): Promise<Float32Array>
  /** Writes the index file, where one is wanted and something in it changed. */
  save(source: VectorSource): Promise<void>
}

/**
 * @param path of the index file; without one nothing is kept. Its pictures are named from its folder, so that both can move.
 * @throws VertebraError `DATA_INVALID` for a file that is no index, `OUTPUT_FAILED` where none can be written
 */
export async function openVectors(path: string | undefined, signal: AbortSignal): Promise<Vectors> {
  const folder = path === undefined ? process.cwd() : dirname(resolve(path))
  if (path !== undefined) await checkWritable(folder)
  const index = path === undefined ? undefined : await readIndex(path)
  const known = new Map<string, IndexedPicture>(index?.pictures.map((picture) => [picture.name, picture]))
  const nameOf = (picture: string): string => relative(folder, resolve(picture)).replaceAll(sep, '/')
  let embedded = 0
  let isChanged = false

  return {
    isKept: index !== undefined,
    get embedded() {
      return embedded
    },
    paths: () => [...known.keys()].map((name) => relative(process.cwd(), join(folder, name))),
    check(source) {
      if (path === undefined || index === undefined) return
      const { source: kept } = index
      const fields = ['model', 'level', 'graphs', 'input'] as const
      const other = fields.find((field) => kept[field] !== source[field])
      if (other === undefined) return
      const what = other === 'graphs' || other === 'input' ? 'another version of this model' : `${other} ${kept[other]}`
      throw new VertebraError(
        'DATA_INVALID',
        `Expected vectors of ${source.model}, level ${source.level}, in ${path} but it holds those of ${what}: name ` +
          'another file for --index, or delete this one.',
      )
    },
    async of(picture, embed, { keep }) {
      const name = nameOf(picture)
      const old = known.get(name)
      const file = await fileState(picture)
      if (old && old.size === file?.size && old.modified === file.modified) return old.vector
      if (keep) isChanged = known.delete(name) || isChanged
      const vector = await embed(picture === '-' ? await readStandardInput(signal) : picture)
      embedded += 1
      if (!keep || !file) return vector
      known.set(name, { name, ...file, vector })
      isChanged = true
      return vector
    },
    async save(source) {
      if (path === undefined || !isChanged) return
      await writeWhole(path, encodePictureIndex({ source, pictures: [...known.values()] }))
    },
  }
}

async function readIndex(path: string): Promise<PictureIndex | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new VertebraError(
      'DATA_INVALID',
      `Expected an index in ${path} but it cannot be read: ${messageOf(cause)}.`,
      {
        cause,
      },
    )
  }
  return decodePictureIndex(bytes, path)
}

/** Size and time of a file; URLs and standard input have none. */
async function fileState(picture: string): Promise<Pick<IndexedPicture, 'size' | 'modified'> | undefined> {
  const state = await stat(picture).catch(() => undefined)
  return state && { size: state.size, modified: state.mtimeMs }
}
