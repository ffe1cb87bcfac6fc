import { parseManifest } from './parse-manifest.ts'
import { manifestUrl, PART_BYTES, type PartStore, partKey } from './part-store.ts'

/** A model that was downloaded, at least in part. */
export interface CachedModel {
  readonly name: string
  /** Address of its folder. */
  readonly url: string
  /** Bytes of its graphs that are kept, and all there are. */
  readonly bytes: number
  readonly totalBytes: number
}

/** What a store keeps, model by model. */
export async function listModels(store: PartStore): Promise<CachedModel[]> {
  const keys = await store.keys()
  const models: CachedModel[] = []
  for (const key of keys) {
    const url = manifestUrl(key)
    const json = url === undefined ? undefined : await store.get(key)
    if (url === undefined || json === undefined) continue
    const { name, graphs } = parseManifest(new TextDecoder().decode(json), url)
    const sizes = Object.values(graphs).flatMap((graph) =>
      Array.from({ length: Math.ceil(graph.bytes / PART_BYTES) }, (_, index) => {
        const size = Math.min(PART_BYTES, graph.bytes - index * PART_BYTES)
        return { size, isKept: keys.includes(partKey(graph.sha256, index)) }
      }),
    )
    const bytes = sizes.reduce((sum, { size, isKept }) => sum + (isKept ? size : 0), 0)
    const totalBytes = sizes.reduce((sum, { size }) => sum + size, 0)
    models.push({ name, url: new URL('.', url).href, bytes, totalBytes })
  }
  return models
}

/** Deletes everything a store keeps. */
export async function clearModels(store: PartStore): Promise<void> {
  for (const key of await store.keys()) await store.delete(key)
}
