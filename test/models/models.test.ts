import { appendFile, cp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildBackbone } from '../../src/architectures/backbone.ts'
import { resnet } from '../../src/architectures/resnet.ts'
import { openModel, sha256Of } from '../../src/models/load.ts'
import { locateModel } from '../../src/models/locate.node.ts'
import type { GraphName, Manifest } from '../../src/models/manifest.ts'
import { parseManifest } from '../../src/models/parse-manifest.ts'
import { summarizeModel } from '../../src/models/summary.ts'
import { requireTask } from '../../src/models/task.ts'
import { encodeModel } from '../../src/onnx/codec.ts'
import { randomWeights } from '../../src/weights/random.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'

let folder: string
let scratch: string
beforeAll(async () => {
  folder = await tinyModelFolder()
  scratch = temporaryFolder()
})

/** A copy of the tiny model, changed. */
let copies = 0
async function spoilt(change: (folder: string) => Promise<unknown>): Promise<string> {
  const copy = join(scratch, `copy-${copies++}`)
  await cp(folder, copy, { recursive: true })
  await change(copy)
  return copy
}

const edit = (change: (manifest: Record<string, unknown> & Manifest) => unknown) => async (copy: string) => {
  const path = join(copy, 'model.json')
  const manifest = JSON.parse(await readFile(path, 'utf8'))
  change(manifest)
  await writeFile(path, JSON.stringify(manifest))
}

const load = async (path: string, graph: GraphName = 'backbone'): Promise<unknown> =>
  (await openModel(await locateModel(path))).graph(graph)

describe('the manifest', () => {
  it('is refused field by field, by name', async () => {
    const broken = await spoilt(
      edit((manifest) => {
        Object.assign(manifest, { version: 2, extra: true })
        Object.assign(manifest.rpn, { nmsThreshold: 1.5 })
        Object.assign(manifest.graphs.rpn, { file: '../../secret.onnx' })
      }),
    )
    const message = await errorOf(load(broken))
    expect(message).toMatch(/^MODEL_INVALID: .*model\.json is not a valid model manifest/)
    for (const field of ['version', 'extra', 'rpn.nmsThreshold', 'graphs.rpn.file']) expect(message).toContain(field)
  })

  it.each<[string, (manifest: Manifest & Record<string, unknown>) => unknown, string]>([
    [
      'a level that is not there',
      (m) => Object.assign(m.roi, { levels: ['p9'] }),
      'roi.levels: "p9" is not in pyramid',
    ],
    [
      'strides that contradict',
      (m) => Object.assign(m.anchors.levels[0] ?? {}, { stride: 4 }),
      'anchors.levels: "p3" has stride 4, pyramid says 8',
    ],
    ['a label twice', (m) => Object.assign(m.labels[0] ?? {}, { name: 'dog' }), 'labels: a name occurs twice'],
    ['a head that would never end', (m) => Object.assign(m.head, { refinements: 1e9 }), 'head.refinements'],
    ['uneven sizes', (m) => Object.assign(m.anchors.levels[0] ?? {}, { sizes: [1, 2] }), 'same number of sizes'],
  ])('is refused for %s', async (_, change, sentence) => {
    expect(await errorOf(load(await spoilt(edit(change))))).toContain(sentence)
  })

  it('must be JSON', () => {
    expect(() => parseManifest('{', 'here/model.json')).toThrow(/Expected JSON in here\/model\.json/)
    expect(() => parseManifest('[]', 'x')).toThrow(/the whole/)
  })
})

describe('graphs', () => {
  it('must have the size and sha256 of the manifest', async () => {
    const longer = await spoilt((copy) => appendFile(join(copy, 'backbone.onnx'), 'x'))
    expect(await errorOf(load(longer))).toMatch(/^MODEL_CORRUPT: .*backbone\.onnx.* bytes/)
    const shorter = await spoilt((copy) => truncate(join(copy, 'rpn.onnx'), 100))
    expect(await errorOf(load(shorter, 'rpn'))).toMatch(/^MODEL_CORRUPT: .*rpn\.onnx.* has 100 bytes/)
    const flipped = await spoilt(async (copy) => {
      const bytes = await readFile(join(copy, 'roi-head.onnx'))
      bytes[1000] = (bytes[1000] ?? 0) ^ 1
      await writeFile(join(copy, 'roi-head.onnx'), bytes)
    })
    expect(await errorOf(load(flipped, 'roiHead'))).toMatch(/^MODEL_CORRUPT: .*its sha256 is/)
  })

  it('must be there', async () => {
    const missing = await spoilt((copy) => rm(join(copy, 'rpn.onnx')))
    expect(await errorOf(load(missing, 'rpn'))).toMatch(/^MODEL_NOT_FOUND: .*rpn\.onnx/)
  })

  it('must have the inputs and outputs of the manifest', async () => {
    const other = await spoilt(async (copy) => {
      const bytes = encodeModel(buildBackbone(resnet(18, { width: 4, stages: [1, 1, 1] }), randomWeights()))
      const sha256 = await sha256Of(bytes)
      await writeFile(join(copy, 'backbone.onnx'), bytes)
      await edit((manifest) => Object.assign(manifest.graphs.backbone, { bytes: bytes.length, sha256 }))(copy)
    })
    const message = await errorOf(load(other))
    expect(message).toMatch(/^MODEL_INVALID: /)
    expect(message).toContain('output "c2" should have 8 channels but has 4')
    expect(message).toContain('output "c5" is missing (there are c2, c3, c4)')
    const swapped = await spoilt(
      edit(({ graphs }) => Object.assign(graphs, { rpn: graphs.roiHead, roiHead: graphs.rpn })),
    )
    expect(await errorOf(load(swapped, 'rpn'))).toMatch(/input "rois_p3" is not in the manifest/)
  })
})

describe('finding a model', () => {
  it('says what it looked for', async () => {
    expect(await errorOf(locateModel('resnet-9000'))).toMatch(
      /^MODEL_NOT_FOUND: .*no package @vertebra\/resnet-9000.*npm install @vertebra\/resnet-9000/,
    )
    expect(await errorOf(locateModel('./nowhere'))).toMatch(/^MODEL_NOT_FOUND: .*has no model\.json/)
    expect(await errorOf(locateModel(''))).toMatch(/^INVALID_ARGUMENT/)
    expect(await errorOf(locateModel('ftp://example.org/m'))).toMatch(/^MODEL_NOT_FOUND/)
    expect(await errorOf(locateModel(new URL('ftp://example.org/m')))).toMatch(/^INVALID_ARGUMENT/)
  })

  it('takes a folder as path and as URL', async () => {
    for (const reference of [folder, pathToFileURL(folder), pathToFileURL(folder).href]) {
      expect((await openModel(await locateModel(reference))).manifest.name).toBe('tiny')
    }
  })

  it('takes an http URL, and says what the server said', async () => {
    const server: Server = createServer(async (request, response) => {
      try {
        response.end(await readFile(join(folder, request.url?.replace('/models/tiny', '') ?? '')))
      } catch {
        response.writeHead(404).end()
      }
    })
    await new Promise<void>((resolve) => server.listen(0, resolve))
    const { port } = server.address() as AddressInfo
    try {
      const url = `http://localhost:${port}/models/tiny`
      expect((await openModel(await locateModel(url))).manifest.name).toBe('tiny')
      await load(url, 'rpn')
      const nothing = openModel(await locateModel(`http://localhost:${port}/nothing/`))
      expect(await errorOf(nothing)).toMatch(/^MODEL_NOT_FOUND: .*answered 404/)
    } finally {
      server.close()
    }
    // The server is gone: what was downloaded serves, and what was not is missed.
    const url = `http://localhost:${port}/models/tiny`
    await load(url, 'rpn')
    expect(await errorOf(load(url, 'backbone'))).toMatch(/^NETWORK: .*stopped at 0 of/)
    expect(await errorOf(openModel(await locateModel(`http://localhost:${port}/else`)))).toMatch(/^NETWORK: /)
  })
})

describe('the summary', () => {
  it('counts a model without running it', async () => {
    const summary = await summarizeModel(await openModel(await locateModel(folder)), 160, 120)
    expect(summary.input).toEqual({ width: 128, height: 96 })
    expect(summary.levels.map(({ name, width, height }) => `${name} ${width}x${height}`)).toEqual([
      'c2 32x24',
      'c3 16x12',
      'c4 8x6',
      'c5 4x3',
      'p3 16x12',
      'p4 8x6',
      'p5 4x3',
      'p6 2x2',
    ])
    const head = summary.graphs.find(({ graph }) => graph === 'roiHead')
    // fc6 784 x 32, fc7 32 x 32, scores 32 x 4, deltas 32 x 16, each for 30 proposals; parameters with biases.
    expect(head?.multiplyAdds).toBe(30 * (784 * 32 + 32 * 32 + 32 * 4 + 32 * 16))
    expect(head?.parameters).toBe(784 * 32 + 32 * 32 + 32 * 4 + 32 * 16 + 32 + 32 + 4 + 16)
  })

  it('counts the head once more for each refinement', async () => {
    const once = await openModel(await locateModel(folder))
    const manifest = requireTask(once.manifest, 'detect')
    const thrice = { ...once, manifest: { ...manifest, head: { ...manifest.head, refinements: 2 } } }
    const [one, three] = await Promise.all([once, thrice].map((model) => summarizeModel(model, 160, 120)))
    for (const [i, { graph, multiplyAdds }] of (one?.graphs ?? []).entries()) {
      expect(three?.graphs[i]?.multiplyAdds).toBe(multiplyAdds * (graph === 'roiHead' ? 3 : 1))
    }
  })
})
