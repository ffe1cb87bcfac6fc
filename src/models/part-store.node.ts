import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import type { PartStore } from './part-store.ts'

/** Parts as files below the user's cache folder: `$XDG_CACHE_HOME` or `~/.cache`, on Windows `%LOCALAPPDATA%`. */
export function openPartStore(folder: string = join(cacheHome(), 'vertebra')): PartStore {
  // A file's name has at most 255 bytes, so a long one is a folder and a rest. No key has "-/" in it.
  const path = (key: string): string => join(folder, ...key.replace(/[^/]{240}(?=[^/])/g, '$&-/').split('/'))
  return {
    async get(key) {
      return readFile(path(key)).catch(() => undefined)
    },
    async put(key, bytes) {
      const target = path(key)
      const unfinished = `${target}.${process.pid}`
      try {
        await mkdir(dirname(target), { recursive: true })
        await writeFile(unfinished, bytes)
        await rename(unfinished, target)
      } catch {
        // A full or read-only disk costs a download the next time, and nothing now.
        await rm(unfinished, { force: true }).catch(() => undefined)
      }
    },
    async delete(key) {
      await rm(path(key), { force: true }).catch(() => undefined)
    },
    async keys() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/').replaceAll('-/', ''))
    },
  }
}

function cacheHome(): string {
  return process.env.XDG_CACHE_HOME ?? process.env.LOCALAPPDATA ?? join(homedir(), '.cache')
}
