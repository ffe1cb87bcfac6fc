import { existsSync, readFileSync } from 'node:fs'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backboneFeatures, buildBackbone, buildRoiHead, buildRpn, slimResnetV2 } from '../../src/architectures/index.ts'
import { resizeImage } from '../../src/images/resize.ts'
import { readSafetensors } from '../../src/weights/containers/safetensors.ts'
import { storedWeights } from '../../src/weights/stored-weights.ts'
import { openModel, type Result, runSession, withOutputs } from '../architectures/run-model.ts'

const SHARED = new URL('../../../shared/', import.meta.url)
const WEIGHTS = new URL('data/init/voc20-resnet101.safetensors', SHARED)
const FIXTURE = new URL('fixtures/voc20-resnet101.json', SHARED)
const PHOTOS = new URL('data/voc20-test/', SHARED)
const isHere = [WEIGHTS, FIXTURE, PHOTOS].every((path) => existsSync(path))
if (!isHere) console.warn('skipped: the starting weights and their reference values are not beside this checkout')

interface MapValues {
  readonly shape: number[]
  readonly mean: number
  readonly std: number
  readonly values: number[]
}

interface Photo {
  readonly file_name: string
  readonly input: { size: [number, number]; padded: [number, number] } & Omit<MapValues, 'shape'>
  readonly maps: Record<string, MapValues>
}

/** Mean, standard deviation and single values, each within 1e-4 of the map's scale. */
function expectLike(
  { data }: Pick<Result, 'data'>,
  { mean, std, values }: Omit<MapValues, 'shape'>,
  name: string,
  tolerance = 1e-4,
) {
  const found = data.reduce((sum, value) => sum + value, 0) / data.length
  const spread = Math.sqrt(data.reduce((sum, value) => sum + (value - found) ** 2, 0) / data.length)
  const scale = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
  expect(Math.abs(found - mean) / scale, `mean of ${name}`).toBeLessThan(tolerance)
  expect(Math.abs(spread - std) / scale, `deviation of ${name}`).toBeLessThan(tolerance)
  values.forEach((value, i) => {
    const at = Math.floor((i * data.length) / values.length)
    expect(Math.abs((data[at] ?? Number.NaN) - value) / scale, `${name}[${at}]`).toBeLessThan(tolerance)
  })
}

/** The recipe's input: longer side 480, x / 127.5 - 1, 0 to the right and below. */
async function readInput({ file_name, input }: Photo): Promise<Result> {
  const decoder = sharp(readFileSync(new URL(`images/${file_name}`, PHOTOS)))
    .removeAlpha()
    .toColourspace('srgb')
  const decoded = await decoder.raw().toBuffer({ resolveWithObject: true })
  const { width: photoWidth, height: photoHeight } = decoded.info
  const [sizeX, sizeY] = input.size
  const photo = { width: photoWidth, height: photoHeight, data: decoded.data }
  const { data } = resizeImage(photo, sizeX, sizeY, 'antialias')
  const [width, height] = input.padded
  const pixels = new Float32Array(3 * width * height)
  for (let y = 0; y < sizeY; y++) {
    for (let x = 0; x < sizeX; x++) {
      for (let c = 0; c < 3; c++) {
        pixels[(c * height + y) * width + x] = (data[(y * sizeX + x) * 3 + c] as number) / 127.5 - 1
      }
    }
  }
  return { data: pixels, dims: [1, 3, height, width] }
}

describe.skipIf(!isHere)('the graphs of voc20-resnet101', () => {
  const network = slimResnetV2(101)
  const pyramid = { channels: 128, extraLevel: true }
  const rpn = { levels: backboneFeatures(network).slice(1), pyramid, channels: 128, anchors: 6 }
  const levels = [3, 4, 5].map((number) => ({ name: `p${number}`, channels: 128, stride: 2 ** number }))
  const raw = {
    c3_raw: 'backbone.block2.unit3',
    c4_raw: 'backbone.block3.unit22',
    block3_out: 'backbone.block3.unit23',
  }
  const photos: Photo[] = isHere ? JSON.parse(readFileSync(FIXTURE, 'utf8')).photos : []
  let sessions: Record<'backbone' | 'rpn' | 'head', Awaited<ReturnType<typeof openModel>>>

  beforeAll(async () => {
    const weights = storedWeights(readSafetensors(readFileSync(WEIGHTS)).tensors)
    const pool = { kind: 'align', size: 7, samplingRatio: 2, aligned: false } as const
    const body = { kind: 'fc', channels: 512 } as const
    sessions = {
      backbone: await openModel(withOutputs(buildBackbone(network, weights), Object.values(raw))),
      rpn: await openModel(buildRpn(rpn, weights)),
      head: await openModel(buildRoiHead({ levels, pool, body, classes: 20, classAgnostic: false }, weights)),
    }
    expect(weights.unused()).toEqual([])
  })

  afterAll(async () => {
    for (const session of Object.values(sessions)) await session.release()
  })

  it('give the maps, logits and deltas of the reference', async () => {
    expect(photos.length).toBe(20)
    for (const photo of photos.filter((_, i) => i % 6 === 0)) {
      const image = await readInput(photo)
      expectLike(image, photo.input, `input of ${photo.file_name}`)
      const maps = await runSession(sessions.backbone, { image })
      const { c3, c4, c5 } = maps
      if (!c3 || !c4 || !c5) throw new Error('a level is missing')
      const all: Record<string, Result | undefined> = { ...(await runSession(sessions.rpn, { c3, c4, c5 })) }
      for (const [name, value] of Object.entries(raw)) all[name] = maps[value]
      for (const [name, expected] of Object.entries(photo.maps)) {
        const found = all[name]
        if (!found) throw new Error(`no ${name}`)
        expect(found.dims, name).toEqual([1, ...expected.shape])
        expectLike(found, expected, `${name} of ${photo.file_name}`)
      }
      const { p3, p4, p5 } = all
      if (!p3 || !p4 || !p5) throw new Error('a pyramid level is missing')
      const rois = { data: Float32Array.from([0, 0, 200, 150]), dims: [1, 4] }
      const none = { data: new Float32Array(0), dims: [0, 4] }
      const batch = (rows: number) => ({ data: new BigInt64Array(rows), dims: [rows] })
      const head = await runSession(sessions.head, {
        p3,
        p4,
        p5,
        rois_p3: none,
        rois_p4: rois,
        rois_p5: none,
        batch_p3: batch(0),
        batch_p4: batch(1),
        batch_p5: batch(0),
      })
      expect(head.class_logits?.dims).toEqual([1, 21])
      expect(head.box_deltas?.dims).toEqual([1, 84])
    }
  })
})
