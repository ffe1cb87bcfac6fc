import { messageOf, VertebraError } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import { download, requireOk } from './download.ts'
import type { ModelFiles } from './model-files.ts'
import { manifestKey, type PartStore } from './part-store.ts'

/**
 * A model folder behind an `http:` or `https:` URL. Graphs come out of the store when it has them; the manifest is asked for
 * anew, and its kept copy serves when the network is gone.
 */
export function remoteFiles(url: URL, store?: PartStore): ModelFiles {
  const base = new URL(url.href.endsWith('/') ? url.href : `${url.href}/`)
  return {
    origin: base.href.slice(0, -1),
    read(file, { expected, ...options } = {}) {
      const address = new URL(file, base)
      return expected ? download(address, expected, store, options) : readManifest(address, store, options.signal)
    },
    async forget({ sha256 }) {
      for (const key of (await store?.keys()) ?? []) if (key.includes(sha256)) await store?.delete(key)
    },
  }
}

async function readManifest(url: URL, store: PartStore | undefined, signal?: AbortSignal): Promise<Uint8Array> {
  throwIfAborted(signal)
  try {
    const response = await fetch(url, signal ? { signal } : {})
    requireOk(response, url)
    const bytes = new Uint8Array(await response.arrayBuffer())
    await store?.put(manifestKey(url), bytes)
    return bytes
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof VertebraError) throw cause
    const kept = await store?.get(manifestKey(url))
    if (kept) return kept
    throw new VertebraError('NETWORK', `The download of ${url.href} failed: ${messageOf(cause)}.`, { cause })
  }
}
