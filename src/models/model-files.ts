import type { WorkOptions } from '../progress.ts'

/** Where the files of a model folder come from: a folder, a package, a URL, memory. */
export interface ModelFiles {
  /** For messages: the folder's path or URL. */
  readonly origin: string
  /**
   * Reads one whole file of the folder. `onProgress` hears of downloads, in bytes.
   * @throws VertebraError `MODEL_NOT_FOUND` when there is no such file, `NETWORK` when it could not be fetched,
   * `ABORTED`.
   */
  read(file: string, options?: ReadOptions): Promise<Uint8Array>
  /** Drops the kept copy of a file whose bytes turned out to be wrong. */
  forget?(expected: { readonly sha256: string }): Promise<void>
}

export interface ReadOptions extends WorkOptions {
  /** What the manifest says of the file; without it (the manifest itself) nothing is kept for another time. */
  readonly expected?: { readonly bytes: number; readonly sha256: string } | undefined
}
