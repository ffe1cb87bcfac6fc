import type { PartStore } from './part-store.ts'

const CACHE = 'vertebra-models'
/** The Cache API keeps answers to requests, so a key is dressed up as one. Nothing is ever sent there. */
const PREFIX = 'https://models.vertebra.invalid/'

/** Parts in the browser's Cache API; undefined where a page has none (not on https, or storage is forbidden). */
export async function openPartStore(): Promise<PartStore | undefined> {
  const cache = await openCache()
  return (
    cache && {
      get: (key) =>
        quietly(async () => {
          const response = await cache.match(PREFIX + key)
          return response && new Uint8Array(await response.arrayBuffer())
        }),
      put: (key, bytes) =>
        quietly(() => cache.put(PREFIX + key, new Response(new Blob([bytes as Uint8Array<ArrayBuffer>])))),
      async delete(key) {
        await quietly(() => cache.delete(PREFIX + key))
      },
      keys: async () => ((await quietly(() => cache.keys())) ?? []).map(({ url }) => url.slice(PREFIX.length)),
    }
  )
}

async function openCache(): Promise<Cache | undefined> {
  return 'caches' in globalThis ? quietly(() => caches.open(CACHE)) : undefined
}

/** A full or forbidden storage costs a download at the next visit, and nothing now. */
async function quietly<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch {
    return undefined
  }
}
