import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { resnet } from '../../src/architectures/resnet.ts'
import { convertDetector } from '../../src/convert/convert.ts'
import type { Recipe } from '../../src/convert/recipe.ts'
import { loadDetector } from '../../src/load/node.ts'
import { type LoadedModel, openModel } from '../../src/models/load.ts'
import { encodeModel } from '../../src/onnx/codec.ts'
import type { Progress } from '../../src/progress.ts'
import type { CalibrationPhoto } from '../../src/quantize/calibration-photos.ts'
import type { OpenGraph } from '../../src/quantize/observed-graph.ts'
import { type QuantizedDetector, quantizeDetector, spread } from '../../src/quantize/quantize-detector.ts'
import { nodeRuntime } from '../../src/runtime/node.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder, testPhoto, tinyRecipe, writeModelFolder } from '../tiny-model.ts'

const open: OpenGraph = async (model) => (await nodeRuntime()).open(encodeModel(model), 'cpu', { threads: 1 })
const photo = (seed: number): CalibrationPhoto => ({
  name: `${seed}.png`,
  decode: async () => testPhoto(128, 96, seed),
})
const photos = [1, 2, 3, 4, 5].map(photo)

/** A model folder in memory. */
async function inMemory(files: ReadonlyMap<string, Uint8Array>): Promise<LoadedModel> {
  return openModel({ origin: 'memory', read: async (name) => files.get(name) ?? new Uint8Array() })
}

async function tiny(changes: Partial<Recipe['network']> = {}, precision?: 'float32' | 'float16'): Promise<LoadedModel> {
  const recipe = tinyRecipe()
  return inMemory((await convertDetector({ ...recipe, network: { ...recipe.network, ...changes } }, precision)).files)
}

const preact = { backbone: resnet(18, { variant: 'v2', width: 8, stages: [2, 1, 1, 1] }) }

describe.each([
  ['activations after sums', {}],
  ['activations before convolutions', preact],
])('quantizeDetector, %s', (_, network) => {
  let quantized: QuantizedDetector
  const steps: Progress[] = []

  beforeAll(async () => {
    quantized = await quantizeDetector(await tiny(network), photos, open, { onProgress: (step) => steps.push(step) })
  }, 120_000)

  it('stays within 22 dB of float32 at every output (random weights; 1 part of noise to 158 of signal)', () => {
    const outputs = quantized.report.graphs.flatMap((graph) => Object.entries(graph.outputs))
    expect(outputs.map(([name]) => name)).toEqual(
      expect.arrayContaining(['p3', 'objectness_p6', 'deltas_p3', 'class_logits']),
    )
    for (const [name, decibels] of outputs) expect(decibels, name).toBeGreaterThan(22)
  })

  it('says for every value how its range was chosen and how large its error is', () => {
    const values = quantized.report.graphs.flatMap((graph) => graph.values)
    expect(values.length).toBeGreaterThan(30)
    for (const { low, high, decibels, method } of values) {
      expect(low).toBeLessThanOrEqual(0)
      expect(high).toBeGreaterThanOrEqual(0)
      expect(decibels ?? 99).toBeGreaterThan(15)
      expect(method).toMatch(/min-max|percentile|squared error/)
    }
  })

  it('keeps in float32 what makes most noise, at no more than 5 % of the work', () => {
    const groups = quantized.report.graphs.flatMap((graph) => graph.groups)
    const kept = groups.filter((group) => group.kept)
    expect(kept.length).toBeLessThan(groups.length)
    expect(kept.reduce((sum, { cost }) => sum + cost, 0)).toBeLessThanOrEqual(0.05)
    expect(kept.every(({ gain }) => gain >= 0.05)).toBe(true)
    expect(groups.reduce((sum, { cost }) => sum + cost, 0)).toBeCloseTo(1, 2)
  })

  it('is a model folder that detects in int8, with source and licence carried over', async () => {
    const folder = await writeModelFolder(join(temporaryFolder(), 'int8'), { ...quantized, leftOut: [] })
    await using detector = await loadDetector(folder, { device: 'cpu', precision: 'int8' })
    expect(detector.precision).toBe('int8')
    expect(detector.manifest.name).toBe('tiny-int8')
    expect(detector.manifest.source.licence).toBe('none')
    expect(detector.manifest.source.weights).toBe('random numbers; quantized to int8 with 5 photos')
    expect(Object.values(detector.manifest.graphs).map(({ precision }) => precision)).toEqual(['int8', 'int8', 'int8'])
    const { detections } = await detector.detect(testPhoto(128, 96, 1), { minScore: 0 })
    expect(detections.length).toBeGreaterThan(0)
  })

  it('runs in float32 from the same files, closer to its source than in int8', async () => {
    const folder = await writeModelFolder(join(temporaryFolder(), 'int8'), { ...quantized, leftOut: [] })
    const recipe = tinyRecipe()
    const source = await convertDetector({ ...recipe, network: { ...recipe.network, ...network } }, 'float32')
    const original = await writeModelFolder(join(temporaryFolder(), 'float32'), source)
    const maps = async (model: string, precision: 'float32' | 'int8'): Promise<Float32Array> => {
      await using detector = await loadDetector(model, { device: 'cpu', precision })
      expect(detector.precision).toBe(precision)
      const { p3 } = await detector.backbone.extract(testPhoto(128, 96, 1), { levels: ['p3'] })
      return p3?.data ?? new Float32Array()
    }
    const expected = await maps(original, 'float32')
    const error = (actual: Float32Array): number =>
      actual.reduce((sum, value, i) => sum + (value - (expected[i] as number)) ** 2, 0)
    const [floats, bytes] = [error(await maps(folder, 'float32')), error(await maps(folder, 'int8'))]
    expect(floats).toBeGreaterThan(0)
    expect(floats).toBeLessThan(bytes)
  })

  it('tells how far it is', () => {
    expect([...new Set(steps.map(({ phase }) => phase))]).toEqual([
      'photos',
      ...(network === preact ? ['channels'] : []),
      'ranges',
      'float32',
      'sensitivity',
      'error',
    ])
    expect(steps.every(({ done, total }) => total !== undefined && done <= total)).toBe(true)
  })
})

it('counts the box head for each of its passes', async () => {
  const headShare = async (refinements: number): Promise<number> => {
    const recipe = tinyRecipe()
    const head = { ...recipe.manifest.head, refinements }
    const { files } = await convertDetector({ ...recipe, manifest: { ...recipe.manifest, head } })
    const { report } = await quantizeDetector(await inMemory(files), [photo(1)], open)
    const { groups } = report.graphs.find(({ graph }) => graph === 'roiHead') ?? { groups: [] }
    return groups.reduce((sum, { cost }) => sum + cost, 0)
  }
  const [once, thrice] = [await headShare(0), await headShare(2)]
  expect(thrice / (1 - thrice) / (once / (1 - once))).toBeCloseTo(3, 6)
})

describe('quantizeDetector with unusual input', () => {
  const blank: CalibrationPhoto = {
    name: 'blank.png',
    decode: async () => ({ width: 64, height: 64, channels: 3, data: new Uint8Array(64 * 64 * 3).fill(7) }),
  }
  const broken: CalibrationPhoto = {
    name: 'broken.png',
    decode: async () => {
      throw new Error('no picture')
    },
  }

  it('goes without blank and unreadable photos, and warns of one alone', async () => {
    const { report } = await quantizeDetector(await tiny(), [blank, broken, photo(1)], open)
    expect(report.photos).toBe(1)
    expect(report.warnings).toEqual([
      'blank.png is blank and was left out.',
      'broken.png was left out: no picture',
      expect.stringMatching(/one photo only/),
    ])
  })

  it('refuses when no photo is left', async () => {
    expect(await errorOf(quantizeDetector(await tiny(), [blank, broken], open))).toMatch(
      /^DATA_INVALID: .*none can be used: blank\.png is blank/,
    )
    expect(await errorOf(quantizeDetector(await tiny(), [], open))).toMatch(/^DATA_INVALID: .*there are none\.$/)
  })

  it.each([1, 4])('closes what is open when graph %i, from 0, cannot be opened', async (failed) => {
    const openIds = new Set<number>()
    let count = 0
    const failing: OpenGraph = async (model) => {
      const id = count++
      if (id === failed) throw new Error('no memory')
      openIds.add(id)
      const session = await open(model)
      const dispose = async (): Promise<void> => {
        openIds.delete(id)
        await session.dispose()
      }
      return { ...session, dispose }
    }
    await expect(quantizeDetector(await tiny(), [photo(1)], failing)).rejects.toThrow('no memory')
    expect([...openIds]).toEqual([])
  })

  it('refuses a model that is int8 already', async () => {
    const { files } = await quantizeDetector(await tiny(), [photo(1), photo(2)], open)
    expect(await errorOf(quantizeDetector(await inMemory(files), photos, open))).toBe(
      'INVALID_ARGUMENT: Expected one that computes in float32 for model but received "tiny-int8, which computes in int8 already".',
    )
  })

  it('takes a model whose weights are stored as float16', async () => {
    const { files, report } = await quantizeDetector(await tiny({}, 'float16'), [photo(1), photo(2)], open)
    const { graph } = await (await inMemory(files)).graph('backbone')
    expect(graph.nodes.filter(({ opType }) => opType === 'Cast')).toEqual([])
    expect([...graph.initializers.values()].filter(({ dataType }) => dataType === 'int8').length).toBeGreaterThan(9)
    const decibels = report.graphs.flatMap(({ outputs }) => Object.values(outputs))
    expect(decibels.every((each) => each !== null && each > 20)).toBe(true)
  })

  it('names the first value that is not finite', async () => {
    const model = await tiny({}, 'float32')
    const spoilt: LoadedModel = {
      ...model,
      async graph(name) {
        const graph = await model.graph(name)
        const bias = graph.graph.initializers.get('fpn.output5.bias')
        if (!bias) return graph
        const bytes = new Uint8Array(bias.bytes)
        new Float32Array(bytes.buffer)[0] = Number.NaN
        return {
          ...graph,
          graph: {
            ...graph.graph,
            initializers: new Map([...graph.graph.initializers, ['fpn.output5.bias', { ...bias, bytes }]]),
          },
        }
      },
    }
    expect(await errorOf(quantizeDetector(spoilt, photos, open))).toMatch(
      /^MODEL_INVALID: .*value "p5" but received NaN for 1\.png/,
    )
  })

  it('stops when it is cancelled, and closes its sessions', async () => {
    const abort = new AbortController()
    let opened = 0
    const counting: OpenGraph = async (graph) => {
      const session = await open(graph)
      opened++
      return { ...session, dispose: () => session.dispose().then(() => void opened--) }
    }
    const work = quantizeDetector(await tiny(), photos, counting, {
      signal: abort.signal,
      onProgress: ({ phase }) => phase === 'ranges' && abort.abort(),
    })
    expect(await errorOf(work)).toMatch(/^ABORTED/)
    expect(opened).toBe(0)
  })
})

it('takes photos from all over a list', () => {
  expect(spread([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4)).toEqual([0, 2, 5, 7])
  expect(spread([1, 2], 4)).toEqual([1, 2])
})
