import type { Progress } from '../progress.ts'

/** Adds up the files of a download, of which each reports for itself. */
export interface DownloadTotal {
  /** Undefined for progress that is not a download's. */
  add(progress: Progress): { readonly done: number; readonly total: number } | undefined
}

export function createDownloadTotal(): DownloadTotal {
  const files = new Map<string, { readonly done: number; readonly total: number }>()
  return {
    add({ phase, done, total, item }) {
      if (phase !== 'download' || total === undefined || item === undefined) return undefined
      files.set(item, { done, total })
      const all = [...files.values()]
      return {
        done: all.reduce((sum, file) => sum + file.done, 0),
        total: all.reduce((sum, file) => sum + file.total, 0),
      }
    },
  }
}
