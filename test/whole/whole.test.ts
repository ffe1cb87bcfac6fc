import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { convertWhole, type WholeOptions, wholeDetector } from '../../src/convert/whole/convert-whole.ts'
import { loadBackbone, loadDetector } from '../../src/load/node.ts'
import { openModel } from '../../src/models/load.ts'
import { locateModel } from '../../src/models/locate.node.ts'
import type { WholeManifest } from '../../src/models/manifest.ts'
import { parseManifest } from '../../src/models/parse-manifest.ts'
import { summarizeModel } from '../../src/models/summary.ts'
import { encodeModel } from '../../src/onnx/codec.ts'
import { plainNode } from '../../src/onnx/plain-node.ts'
import { readPhoto } from '../convert/dialect-fixture.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder, writeModelFolder } from '../tiny-model.ts'

const fixture = (file: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../fixtures/whole/${file}`, import.meta.url)))

const photo = { ...readPhoto(), channels: 3 } as const

function read(name: string, options?: WholeOptions) {
  const whole = wholeDetector(fixture(`${name}.onnx`), options)
  if (!whole) throw new Error(`${name} was not recognised`)
  return whole
}

async function folderOf(name: string, options?: WholeOptions, changes: Partial<WholeManifest> = {}): Promise<string> {
  const whole = read(name, options)
  const model = await convertWhole({ ...whole, manifest: { ...whole.manifest, ...changes } })
  return writeModelFolder(join(temporaryFolder(), name), model)
}

const LETTERS = ['a', 'b', 'c', 'd', 'e']

/** The expectation of the decoded form is that of the raw one. */
const CASES: readonly (readonly [name: string, options: WholeOptions, title: RegExp, classes: number])[] = [
  ['torchvision', {}, /^torchvision's export/, 3],
  ['yolox', {}, /^YOLOX$/, 4],
  ['yolox-decoded', {}, /^YOLOX with decoding/, 4],
  ['detr', { as: 'detr', labels: LETTERS }, /^DETR/, 5],
  ['rt-detr', {}, /^RT-DETR/, 5],
  ['onnx-zoo', {}, /ONNX model zoo/, 80],
]

describe.each(CASES)('%s', (name, options, title, classes) => {
  it('is recognised, and finds what the reference finds', async () => {
    const whole = read(name, options)
    expect(whole.title).toMatch(title)
    expect(whole.manifest.labels).toHaveLength(classes)
    const expected = JSON.parse(new TextDecoder().decode(fixture(`${name.replace('-decoded', '')}.json`)))
    await using detector = await loadDetector(await folderOf(name, options), { device: 'cpu' })
    const { detections, times } = await detector.detect(photo)
    expect(times.network).toBeGreaterThan(0)
    expect(detections).toHaveLength(expected.boxes.length)
    const strays = expected.boxes.filter((box: number[], i: number) => {
      return !detections.some(({ box: [x, y, width, height], classIndex, score }) => {
        const isNear = [x, y, x + width, y + height].every((side, s) => Math.abs(side - (box[s] as number)) < 0.5)
        return isNear && classIndex === expected.classes[i] && Math.abs(score - expected.scores[i]) < 0.002
      })
    })
    expect(strays).toEqual([])
    const scores = detections.map(({ score }) => score)
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
  })
})

describe('a whole detector', () => {
  it('of more classes than can be told apart is refused before it has their names', () => {
    const value = (name: string, dims: (number | string)[]) => ({ name, dataType: 'float32' as const, dims })
    const graph = {
      name: 'g',
      nodes: [plainNode('GridSample', ['pixel_values'], 'logits'), plainNode('Identity', ['logits'], 'pred_boxes')],
      initializers: new Map(),
      inputs: [value('pixel_values', ['N', 3, 640, 640])],
      outputs: [value('logits', [1, 300, 2 ** 40]), value('pred_boxes', [1, 300, 4])],
    }
    const file = encodeModel({ irVersion: 8, opset: 17, producer: '', metadata: {}, graph })
    expect(() => wholeDetector(file)).toThrow(/at most 65535 classes/)
    expect(() => wholeDetector(file)).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }))
  })

  it('takes the options of every detector', async () => {
    await using detector = await loadDetector(await folderOf('yolox'), { device: 'cpu' })
    const all = await detector.detect(photo)
    const label = all.detections[0]?.label ?? ''
    const best = await detector.detect(photo, { classes: [label], maxDetections: 2, minScore: 0.02, nms: 'agnostic' })
    expect(best.detections.length).toBeLessThanOrEqual(2)
    expect(new Set(best.detections.map((detection) => detection.label))).toEqual(new Set([label]))
    expect(best.detections[0]?.score).toBe(all.detections[0]?.score)
    const [twice] = await detector.detectBatch([photo, photo])
    expect(twice?.detections).toEqual(all.detections)
    expect(await errorOf(detector.detect(photo, { classes: ['zebra'] }))).toMatch(/^INVALID_ARGUMENT/)
  })

  it('has no feature maps, and says so', async () => {
    const folder = await folderOf('yolox')
    const message =
      /^MODEL_INVALID: Expected a backbone that gives feature maps but the model .* a detector in one graph/
    expect(await errorOf(loadBackbone(folder, { device: 'cpu' }))).toMatch(message)
    await using detector = await loadDetector(folder, { device: 'cpu' })
    expect(detector.backbone.features).toEqual([])
    expect(await errorOf(detector.backbone.extract(photo))).toMatch(message)
    expect(await errorOf(detector.backbone.embed(photo))).toMatch(message)
  })

  it('is summed up by what its file shows', async () => {
    const model = await openModel(await locateModel(await folderOf('torchvision')))
    const { graphs, input } = await summarizeModel(model, 300, 200)
    expect(input).toEqual({ width: 300, height: 200 })
    expect(graphs[0]?.parameters).toBeGreaterThan(1000)
  })

  it('that is not the graph of its manifest does not load', async () => {
    const outputs = { form: 'grid', values: 'values', strides: [8, 16, 32], decoded: false } as const
    const feeds = { image: 'pixels', batched: true, mask: 'mask' }
    const folder = await folderOf('yolox', {}, { outputs, feeds })
    expect(await errorOf(loadDetector(folder, { device: 'cpu' }))).toMatch(
      /^MODEL_INVALID: .*input "pixels" is missing \(there are images\).*"mask" is missing.*"images" is not in the manifest.*"values" is missing \(there are output\)/,
    )
  })

  it.each<[string, WholeOptions, Partial<WholeManifest>, RegExp]>([
    ['torchvision', {}, { labels: [{ name: 'a', categoryId: 1 }] }, /labels from 1 to 1, as model\.json has 1,/],
    [
      'yolox',
      {},
      { labels: [{ name: 'a', categoryId: 1 }] },
      /\[1, cells, 6\] for the output "output" but received \[1,/,
    ],
    [
      'yolox',
      {},
      { outputs: { form: 'grid', values: 'output', strides: [8, 16], decoded: false } },
      /120 rows, one for each cell of 8, 16 pixels of 96 x 64, .* received 126/,
    ],
    [
      'rt-detr',
      {},
      { outputs: { form: 'queries', logits: 'pred_boxes', boxes: 'logits', activation: 'sigmoid' } },
      /\[1, queries, 5\] for the output "pred_boxes"/,
    ],
    [
      'torchvision',
      {},
      { outputs: { form: 'boxes', boxes: 'found', labels: 'trust', scores: 'kinds', firstLabel: 1 } },
      /labels from 1 to 3/,
    ],
  ])(
    '%s whose outputs are not what its manifest says fails in one sentence',
    async (name, options, changes, message) => {
      await using detector = await loadDetector(await folderOf(name, options, changes), { device: 'cpu' })
      const error = await errorOf(detector.detect(photo))
      expect(error).toMatch(/^MODEL_INVALID: /)
      expect(error).toMatch(message)
    },
  )
})

describe('what a file is', () => {
  it('must be said where it could be several', () => {
    const message = /INVALID_ARGUMENT.*it could be detr or deformable-detr or rt-detr: say which/
    return expect(errorOf(Promise.resolve().then(() => wholeDetector(fixture('detr.onnx'))))).resolves.toMatch(message)
  })

  it('is not guessed of other networks', () => {
    const other = new Uint8Array(readFileSync(new URL('../fixtures/weights/model.onnx', import.meta.url)))
    expect(wholeDetector(other)).toBeUndefined()
  })

  it.each<[string, Uint8Array, WholeOptions, RegExp]>([
    [
      'another form',
      fixture('detr.onnx'),
      { as: 'yolox' },
      /GRAPH_INVALID: Expected the inputs and outputs of yolox .*pixel_values/,
    ],
    ['another kind', fixture('detr.onnx'), { as: 'ssd' }, /INVALID_ARGUMENT: Expected one of torchvision, .* for as/],
    ['labels of another number', fixture('yolox.onnx'), { labels: ['a'] }, /INVALID_ARGUMENT: Expected 4 labels/],
    ['damaged bytes', fixture('yolox.onnx').slice(0, 5000), {}, /GRAPH_INVALID/],
    ['no bytes', new Uint8Array(0), {}, /GRAPH_INVALID/],
  ])('is refused: %s', async (_, bytes, options, message) => {
    expect(await errorOf(Promise.resolve().then(() => wholeDetector(bytes, options)))).toMatch(message)
  })

  it('a manifest says everything there is to say', () => {
    const { manifest } = read('yolox')
    const parse = (changed: object): Promise<string> =>
      errorOf(Promise.resolve().then(() => parseManifest(JSON.stringify({ ...manifest, ...changed }), 'model.json')))
    return Promise.all([
      expect(parse({})).resolves.toBe('no error'),
      expect(parse({ outputs: { form: 'points' } })).resolves.toMatch(/outputs\.form/),
      expect(parse({ feeds: { image: 'images' } })).resolves.toMatch(/feeds\.batched/),
      expect(parse({ features: [{ name: 'c5', channels: 1, stride: 1 }] })).resolves.toMatch(/features/),
      expect(parse({ rpn: {} })).resolves.toMatch(/rpn/),
    ])
  })
})
