import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type { Detector } from '../../src/detector/detector.ts'
import { requireOutput } from '../../src/detector/graph-output.ts'
import { createSessions, type Sessions } from '../../src/detector/sessions.ts'
import { decodeImage, type ImageInput } from '../../src/images/decode.node.ts'
import { inputTensor } from '../../src/images/normalise.ts'
import { loadDetector } from '../../src/load/node.ts'
import { openModel } from '../../src/models/load.ts'
import { locateModel } from '../../src/models/locate.node.ts'
import { nodeRuntime } from '../../src/runtime/node.ts'

// The expectations come from PyTorch, with the same weights: test/reference/shipped_model.py.

const root = new URL('../../', import.meta.url)
const pathOf = (path: string): string => fileURLToPath(new URL(path, root))
const OF_LARGEST = 1e-4
const BOX_TOLERANCE = 0.5
const SCORE_TOLERANCE = 0.002

interface Fixture {
  readonly tensors: Readonly<Record<string, { shape: number[]; largest: number; values: number[] }>>
  readonly detections: readonly (readonly [number, number, number, number, number, number])[]
}

const fixtures = readdirSync(pathOf('test/fixtures/parity')).map((file) => {
  const [, model = '', photo = ''] = /^(.+)-(\w+)\.json$/.exec(file) ?? []
  const fixture = JSON.parse(readFileSync(pathOf(`test/fixtures/parity/${file}`), 'utf8')) as Fixture
  return { model: pathOf(`models/${model}`), photo: pathOf(`examples/photos/${photo}.jpg`), fixture, name: file }
})

describe.each(fixtures)('$name', ({ model, photo, fixture }) => {
  let detector: Detector<ImageInput> | undefined
  let sessions: Sessions | undefined
  afterAll(() => Promise.all([detector?.dispose(), sessions?.dispose()]))

  it('maps, logits and deltas within 1e-4 of the largest value', async () => {
    const loaded = await openModel(await locateModel(model))
    const device = { device: 'cpu', reason: 'for the test', precision: 'float32' } as const
    sessions = createSessions(loaded, await nodeRuntime(), device, { precision: 'float32' })
    const input = inputTensor(loaded.manifest.input, [await decodeImage(photo)])
    const image = { dataType: 'float32', dims: input.dims, data: input.data } as const
    const backbone = await (await sessions.open('backbone')).run({ image })
    const rpn = await sessions.open('rpn')
    const maps = rpn.inputs.map((name) => [name, { dataType: 'float32', ...requireOutput(backbone, name) }] as const)
    const ours = { ...backbone, ...(await rpn.run(Object.fromEntries(maps))), input }
    for (const [name, { shape, largest, values }] of Object.entries(fixture.tensors)) {
      const tensor = ours[name as keyof typeof ours]
      expect([...(tensor?.dims ?? [])], name).toEqual(shape)
      const data = tensor?.data ?? new Float32Array()
      const differences = values.map((value, i) =>
        Math.abs(value - (data[Math.floor((i * data.length) / values.length)] ?? 0)),
      )
      expect(Math.max(...differences) / largest, name).toBeLessThan(OF_LARGEST)
    }
  })

  it('the same detections: boxes to 0.5 px, scores to 0.002', async () => {
    detector = await loadDetector(model, { device: 'cpu' })
    const { detections } = await detector.detect(photo)
    expect(detections).toHaveLength(fixture.detections.length)
    for (const [i, [label, score, ...corners]] of fixture.detections.entries()) {
      const found = detections[i]
      const [x = 0, y = 0, width = 0, height = 0] = found?.box ?? []
      expect(found?.classIndex).toBe(label - 1)
      expect(Math.abs((found?.score ?? 0) - score)).toBeLessThan(SCORE_TOLERANCE)
      for (const [k, value] of [x, y, x + width, y + height].entries()) {
        expect(Math.abs(value - (corners[k] ?? 0))).toBeLessThan(BOX_TOLERANCE)
      }
    }
  })
})
