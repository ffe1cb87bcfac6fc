import { type CachedModel, clearModels, listModels } from './cache.ts'
import { openPartStore } from './part-store.web.ts'

/**
 * The models that this site has downloaded into the browser's cache, whole or in part.
 * @example
 * for (const { name, bytes, totalBytes } of await cachedModels()) console.log(name, bytes, 'of', totalBytes)
 */
export async function cachedModels(): Promise<CachedModel[]> {
  const store = await openPartStore()
  return store ? listModels(store) : []
}

/** Deletes all models of this site from the browser's cache. */
export async function clearCachedModels(): Promise<void> {
  const store = await openPartStore()
  if (store) await clearModels(store)
}
