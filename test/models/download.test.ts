import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clearModels, listModels } from '../../src/models/cache.ts'
import { download } from '../../src/models/download.ts'
import { sha256Of } from '../../src/models/load.ts'
import { openPartStore } from '../../src/models/part-store.node.ts'
import { PART_BYTES, type PartStore, partKey } from '../../src/models/part-store.ts'
import { remoteFiles } from '../../src/models/remote-files.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'

const content = Uint8Array.from({ length: 2 * PART_BYTES + 1000 }, (_, i) => (i * 7919) >> 3)
const expected = { bytes: content.length, sha256: 'a'.repeat(64) }

/** Compared as bytes: an assertion about 16 million numbers takes minutes. */
const isContent = (bytes: Uint8Array): boolean => Buffer.compare(bytes, content) === 0

/** How the server answers the next requests: break off after so many bytes, or do not know ranges. */
let behaviour: { breakAfter?: number; ignoreRange?: boolean; extra?: number }[] = []
let ranges: (string | undefined)[] = []
let server: Server
let url: URL
beforeEach(async () => {
  behaviour = []
  ranges = []
  server = createServer((request, response) => {
    const { breakAfter, ignoreRange, extra = 0 } = behaviour.shift() ?? {}
    ranges.push(request.headers.range)
    const start = ignoreRange ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(start > 0 ? 206 : 200)
    const body = Buffer.concat([content.subarray(start), new Uint8Array(extra)])
    if (breakAfter === undefined) response.end(body)
    else response.write(body.subarray(0, breakAfter), () => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  url = new URL(`http://localhost:${(server.address() as AddressInfo).port}/graph.onnx`)
})
afterEach(() => server.close())

function memoryStore(): PartStore & { parts: Map<string, Uint8Array> } {
  const parts = new Map<string, Uint8Array>()
  return {
    parts,
    get: async (key) => parts.get(key),
    put: async (key, bytes) => void parts.set(key, bytes.slice()),
    delete: async (key) => void parts.delete(key),
    keys: async () => [...parts.keys()],
  }
}

describe('a download', () => {
  it('brings the bytes, says how far it is, and is not asked for twice', async () => {
    const store = memoryStore()
    const seen: number[] = []
    const onProgress = ({ done }: { done: number }): void => void seen.push(done)
    expect(isContent(await download(url, expected, store, { onProgress }))).toBe(true)
    expect(seen.at(-1)).toBe(content.length)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect([...store.parts.values()].map(({ length }) => length)).toEqual([PART_BYTES, PART_BYTES, 1000])
    expect(isContent(await download(url, expected, store))).toBe(true)
    expect(ranges).toHaveLength(1)
  })

  it('goes on where the connection broke', async () => {
    behaviour = [{ breakAfter: PART_BYTES + 5000 }]
    expect(isContent(await download(url, expected, memoryStore()))).toBe(true)
    expect(ranges[0]).toBeUndefined()
    expect(Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? '')?.[1])).toBeGreaterThan(0)
  })

  it('goes on behind the parts that an earlier visit kept', async () => {
    const store = memoryStore()
    const controller = new AbortController()
    const onProgress = ({ done }: { done: number }): void => {
      if (done > PART_BYTES * 1.5) controller.abort()
    }
    expect(await errorOf(download(url, expected, store, { signal: controller.signal, onProgress }))).toMatch(/^ABORTED/)
    expect(store.parts.size).toBe(1)
    expect(isContent(await download(url, expected, store))).toBe(true)
    expect(ranges.at(-1)).toBe(`bytes=${PART_BYTES}-`)
  })

  it('starts anew with a server that does not know ranges, or a part of a wrong length', async () => {
    behaviour = [{ breakAfter: 5000 }, { ignoreRange: true }]
    const store = memoryStore()
    store.parts.set(partKey(expected.sha256, 0), new Uint8Array(3))
    expect(isContent(await download(url, expected, store))).toBe(true)
  })

  it('gives up after some attempts without a byte, and says how to go on', { timeout: 30_000 }, async () => {
    behaviour = Array.from({ length: 4 }, () => ({ breakAfter: 0 }))
    expect(await errorOf(download(url, expected, undefined))).toMatch(/^NETWORK: .*stopped at 0 of 16778216 bytes/)
  })

  it('refuses more bytes than the manifest says', async () => {
    behaviour = [{ extra: 10 }]
    expect(await errorOf(download(url, expected, undefined))).toMatch(/^MODEL_CORRUPT: .*sends more/)
  })
})

describe('the store of Node', () => {
  it('lists and clears what was downloaded, and survives a folder that cannot be written', async () => {
    const folder = await tinyModelFolder()
    const models = createServer(async (request, response) =>
      response.end(await readFile(join(folder, request.url ?? ''))),
    )
    await new Promise<void>((resolve) => models.listen(0, resolve))
    const base = new URL(`http://localhost:${(models.address() as AddressInfo).port}/`)
    const manifest = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'))
    const store = openPartStore(join(temporaryFolder(), 'cache'))
    try {
      for (const writable of [store, openPartStore(join(folder, 'model.json', 'cache'))]) {
        const files = remoteFiles(base, writable)
        await files.read('model.json')
        const graph = await files.read('rpn.onnx', { expected: manifest.graphs.rpn })
        expect(await sha256Of(graph)).toBe(manifest.graphs.rpn.sha256)
      }
    } finally {
      models.close()
    }
    const [model] = await listModels(store)
    expect(model).toMatchObject({ name: 'tiny', url: base.href, bytes: manifest.graphs.rpn.bytes })
    await remoteFiles(base, store).forget?.(manifest.graphs.rpn)
    expect((await listModels(store))[0]?.bytes).toBe(0)
    await clearModels(store)
    expect(await store.keys()).toEqual([])
  })
})
