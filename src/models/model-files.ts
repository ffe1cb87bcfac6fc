/** Where the files of a model folder come from: a folder, a package, a URL, memory. */
export interface ModelFiles {
  /** For messages: the folder's path or URL. */
  readonly origin: string
  /**
   * Reads one whole file of the folder.
   * @throws VertebraError `MODEL_NOT_FOUND` when there is no such file, `NETWORK` when it could not be fetched,
   * `ABORTED`.
   */
  read(file: string, signal?: AbortSignal): Promise<Uint8Array>
}
