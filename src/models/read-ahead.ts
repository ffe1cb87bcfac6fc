import { onAbort, type WorkOptions } from '../progress.ts'
import type { LoadedModel } from './load.ts'
import type { AnyGraphName, ModelManifest } from './manifest.ts'

/** A model of which some graphs are on their way already. */
export interface ReadAhead<M extends ModelManifest> {
  /** Gives each of those graphs once; what is asked for again is read again. */
  readonly model: LoadedModel<M>
  /** Ends what is still being read. */
  stop(): void
}

/** Begins to read graphs that will be asked for: files come while a device is tried. */
export function readAhead<M extends ModelManifest>(
  model: LoadedModel<M>,
  names: readonly AnyGraphName[],
  { signal, onProgress }: WorkOptions,
): ReadAhead<M> {
  const controller = new AbortController()
  const abort = (): void => controller.abort(signal?.reason)
  const unlisten = onAbort(signal, abort)
  const coming = new Map(names.map((name) => [name, model.graph(name, { signal: controller.signal, onProgress })]))
  // A failure is told to whoever asks for the graph.
  for (const graph of coming.values()) graph.catch(() => undefined)
  return {
    stop() {
      unlisten?.()
      abort()
    },
    model: {
      ...model,
      graph(name, options) {
        const graph = coming.get(name)
        coming.delete(name)
        return graph ?? model.graph(name, options)
      },
    },
  }
}
