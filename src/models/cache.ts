import type { GraphFile } from './manifest.ts'
import { parseManifest } from './parse-manifest.ts'
import { manifestUrl, PART_BYTES, type PartStore, partIndex } from './part-store.ts'

/** A model that was downloaded, at least in part. */
export interface CachedModel {
  readonly name: string
  /** Address of its folder, as it can be loaded by. */
  readonly url: string
  /** Bytes of its graphs that are kept, and all there are. */
  readonly bytes: number
  readonly totalBytes: number
}

/** What a store keeps, model by model; a manifest that cannot be read is passed over. */
export async function listModels(store: PartStore): Promise<CachedModel[]> {
  const keys = await store.keys()
  const models: CachedModel[] = []
  for (const key of keys) {
    const url = manifestUrl(key)
    const json = url === undefined ? undefined : await store.get(key)
    if (url === undefined || json === undefined) continue
    try {
      const { name, graphs } = parseManifest(new TextDecoder().decode(json), url)
      let bytes = 0
      let totalBytes = 0
      for (const graph of Object.values(graphs)) {
        totalBytes += graph.bytes
        for (const key of keys) bytes += keptBytes(key, graph)
      }
      models.push({ name, url: url.replace(/model\.json(?=\?|$)/, ''), bytes, totalBytes })
    } catch {
      // Of another version, or damaged.
    }
  }
  return models
}

/** Counted by what is there: a manifest may claim any size. */
function keptBytes(key: string, { sha256, bytes }: GraphFile): number {
  const index = partIndex(key, sha256)
  return index === undefined ? 0 : Math.max(0, Math.min(PART_BYTES, bytes - index * PART_BYTES))
}

/** Deletes everything a store keeps. */
export async function clearModels(store: PartStore): Promise<void> {
  for (const key of await store.keys()) await store.delete(key)
}
