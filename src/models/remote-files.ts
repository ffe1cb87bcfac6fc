import { messageOf, VertebraError } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import { download, requireOk } from './download.ts'
import type { ModelFiles } from './model-files.ts'
import { parseManifest } from './parse-manifest.ts'
import { manifestKey, type PartStore } from './part-store.ts'

/**
 * A model folder behind an `http:` or `https:` URL, whose query goes along to each file. Graphs come out of the store when it
 * has them; the manifest is asked for anew, and its kept copy serves when the network is gone.
 */
export function remoteFiles(url: URL, store?: PartStore): ModelFiles {
  const base = new URL(url)
  base.pathname = base.pathname.replace(/\/?$/, '/')
  base.search = base.hash = ''
  return {
    origin: base.href.slice(0, -1),
    read(file, { expected, ...options } = {}) {
      const address = new URL(file + url.search, base)
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
    // A page that says something else with status 200 does not take the place of what is kept.
    parseManifest(new TextDecoder().decode(bytes), url.href)
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
