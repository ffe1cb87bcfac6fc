import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { clearModels, listModels } from '../../src/models/cache.ts'
import { download } from '../../src/models/download.ts'
import { openModel, sha256Of } from '../../src/models/load.ts'
import type { Manifest } from '../../src/models/manifest.ts'
import { openPartStore } from '../../src/models/part-store.node.ts'
import { manifestKey, PART_BYTES, type PartStore, partKey } from '../../src/models/part-store.ts'
import { remoteFiles } from '../../src/models/remote-files.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'

const content = Uint8Array.from({ length: 2 * PART_BYTES + 1000 }, (_, i) => (i * 7919) >> 3)
const expected = { bytes: content.length, sha256: 'a'.repeat(64) }

/** Compared as bytes: an assertion about 16 million numbers takes minutes. */
const isContent = (bytes: Uint8Array): boolean => Buffer.compare(bytes, content) === 0

/** How the server answers the next requests: break off after so many bytes, do not know ranges, have a file of another length. */
let behaviour: { breakAfter?: number; ignoreRange?: boolean; length?: number }[] = []
let ranges: (string | undefined)[] = []
let addresses: (string | undefined)[] = []
let server: Server
let url: URL
beforeEach(async () => {
  behaviour = []
  ranges = []
  addresses = []
  server = createServer((request, response) => {
    const { breakAfter, ignoreRange, length = content.length } = behaviour.shift() ?? {}
    ranges.push(request.headers.range)
    addresses.push(request.url)
    const start = ignoreRange ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = { 'content-range': `bytes ${start}-${length - 1}/${length}` }
    if (start > 0 && start >= length) return void response.writeHead(416).end()
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? range : {})
    const body = Buffer.concat([content, new Uint8Array(10)]).subarray(start, length)
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

async function tinyManifest(): Promise<Manifest> {
  return JSON.parse(await readFile(join(await tinyModelFolder(), 'model.json'), 'utf8'))
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

  it.each([
    ['longer', 0, content.length + 10, 'sends more'],
    ['longer, behind a part that is kept', 1, content.length + 10, `sends ${content.length + 10}`],
    ['shorter', 0, 5, 'sends 5'],
    ['shorter, behind a part that is kept', 1, PART_BYTES, 'sends fewer'],
  ])('refuses at once a file that is %s', async (_, parts, length, words) => {
    behaviour = [{ length }]
    const store = memoryStore()
    if (parts > 0) store.parts.set(partKey(expected.sha256, 0), content.subarray(0, PART_BYTES))
    expect(await errorOf(download(url, expected, store))).toMatch(new RegExp(`^MODEL_CORRUPT: .*${words}\\.$`))
    expect(ranges).toHaveLength(1)
  })
})

describe('a model folder behind a URL', () => {
  it('gets the query of its address for each file', async () => {
    const files = remoteFiles(new URL('/models/tiny?token=a#part', url))
    expect(files.origin).toBe(new URL('/models/tiny', url).href)
    await files.read('graph.onnx', { expected })
    expect(addresses).toEqual(['/models/tiny/graph.onnx?token=a'])
  })

  it('keeps nothing of a file that is too long', async () => {
    behaviour = [{ length: content.length + 10 }]
    const store = memoryStore()
    const remote = remoteFiles(url, store)
    const manifest = await tinyManifest()
    Object.assign(manifest.graphs.backbone, expected)
    const json = new TextEncoder().encode(JSON.stringify(manifest))
    const model = await openModel({
      ...remote,
      read: async (file, options) => (file === 'model.json' ? json : remote.read(file, options)),
    })
    expect(await errorOf(model.graph('backbone'))).toMatch(/^MODEL_CORRUPT: .*sends more/)
    expect(store.parts.size).toBe(0)
  })

  it('keeps nothing that is sent in place of the manifest', async () => {
    behaviour = [{ length: 100 }]
    const store = memoryStore()
    expect(await errorOf(remoteFiles(url, store).read('model.json'))).toMatch(/^MODEL_INVALID: Expected JSON/)
    expect(store.parts.size).toBe(0)
  })
})

test('the list of models passes over what cannot be read, and believes no size', async () => {
  const store = memoryStore()
  const manifest = await tinyManifest()
  Object.assign(manifest.graphs.rpn, { bytes: Number.MAX_SAFE_INTEGER })
  for (const [folder, text] of Object.entries({ page: '<html>', tiny: JSON.stringify(manifest) })) {
    await store.put(manifestKey(new URL(`${folder}/model.json`, url)), new TextEncoder().encode(text))
  }
  await store.put(partKey(manifest.graphs.rpn.sha256, 3), new Uint8Array(1))
  expect(await listModels(store)).toMatchObject([{ name: 'tiny', bytes: PART_BYTES }])
})

describe('the store of Node', () => {
  it('lists and clears what was downloaded, and survives a folder that cannot be written', async () => {
    const folder = await tinyModelFolder()
    const models = createServer(async (request, response) =>
      response.end(await readFile(join(folder, basename(new URL(request.url ?? '', url).pathname)))),
    )
    await new Promise<void>((resolve) => models.listen(0, resolve))
    // Longer than the name of a file may be.
    const base = new URL(`http://localhost:${(models.address() as AddressInfo).port}/${'long'.repeat(50)}/?v=1`)
    const manifest = await tinyManifest()
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
