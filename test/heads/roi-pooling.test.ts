import { expect, it } from 'vitest'
import { buildRoiHead, type RoiPooling } from '../../src/architectures/roi-head.ts'
import type { Model } from '../../src/onnx/index.ts'
import { randomWeights } from '../../src/weights/random.ts'
import { runModel } from '../architectures/run-model.ts'
import { readFixture } from '../boxes/noise.ts'

/** Made by test/reference/older_detectors.py: a map [1, 3, 9, 12] of stride 16, and boxes pooled to [R, 3, 7, 7]. */
const stored = readFixture<Record<'map' | 'rois' | 'max' | 'corners' | 'lastPixel', number[]>>('heads/roi-pooling.json')

const TOLERANCE = 1e-5

/** The graph with the pooled maps as its output: what the first fully connected layer flattens. */
function pooledOf(model: Model): Model {
  const flatten = model.graph.nodes.find(({ opType }) => opType === 'Flatten')
  const name = flatten?.inputs[0] ?? ''
  const outputs = [{ name, dataType: 'float32' as const, dims: ['R', 3, 7, 7] }]
  return { ...model, graph: { ...model.graph, outputs } }
}

async function pooled(
  pool: RoiPooling,
  rois: Float32Array,
  map = Float32Array.from(stored.map),
): Promise<Float32Array> {
  const level = { name: 'c4', channels: 3, stride: 16 }
  const body = { kind: 'fc', channels: 4 } as const
  const model = buildRoiHead({ levels: [level], pool, body, classes: 1, classAgnostic: true }, randomWeights(1))
  const count = rois.length / 4
  const results = await runModel(pooledOf(model), {
    c4: { data: map, dims: [1, 3, 9, 12] },
    rois_c4: { data: rois, dims: [count, 4] },
    batch_c4: { data: new BigInt64Array(count), dims: [count] },
  })
  return Object.values(results)[0]?.data ?? new Float32Array(0)
}

function largestError(found: Float32Array, expected: readonly number[]): number {
  expect(found.length).toBe(expected.length)
  return expected.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (found[i] as number))), 0)
}

const rois = Float32Array.from(stored.rois)
/** Proposals as that code has them: clipped to the last pixel of 192 x 144. */
const inside = rois.map((value, i) => Math.min(Math.max(value, 0), i % 2 === 0 ? 191 : 143))

it('MaxRoiPool rounds as Caffe does: halves away from 0, one cell at least', async () => {
  expect(largestError(await pooled({ kind: 'max', size: 7 }, rois), stored.max)).toBeLessThan(TOLERANCE)
})

it('bin corners are extrapolated over the last cell and 0 beyond', async () => {
  expect(largestError(await pooled({ kind: 'bin-corners', size: 7 }, inside), stored.corners)).toBeLessThan(TOLERANCE)
})

it('RoIAlign may include the last pixel', async () => {
  const pool = { kind: 'align', size: 7, samplingRatio: 2, aligned: false, lastPixel: true } as const
  expect(largestError(await pooled(pool, rois), stored.lastPixel)).toBeLessThan(TOLERANCE)
  const without = await pooled({ ...pool, lastPixel: false }, rois)
  expect(largestError(without, stored.lastPixel)).toBeGreaterThan(0.1)
})
