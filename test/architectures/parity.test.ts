import { describe, expect, it } from 'vitest'
import { backboneFeatures, buildBackbone } from '../../src/architectures/index.ts'
import { foldBatchNorm } from '../../src/onnx/transforms/fold-batch-norm.ts'
import { backboneOf, buildNetwork, type Expected, readFixture, relativeError } from './fixture.ts'
import { type Result, runModel } from './run-model.ts'

const BACKBONES = [
  'basic-v1',
  'basic-v1.5',
  'basic-v2',
  'bottleneck-v1',
  'bottleneck-v1.5',
  'bottleneck-v1.5-late',
  'bottleneck-v2',
  'bottleneck-v2-slim',
  'vgg',
]
const PROPOSALS = ['rpn-fpn', 'rpn-two-levels', 'rpn-c4']
const HEADS = ['roi-align', 'roi-align-aligned', 'roi-pool', 'roi-c4-basic', 'roi-c4-bottleneck']

/** Within 1e-4 of the largest value. */
function expectSame(results: Record<string, Result>, outputs: Record<string, Expected>): void {
  expect(Object.keys(results).sort()).toEqual(Object.keys(outputs).sort())
  for (const [key, expected] of Object.entries(outputs)) {
    const result = results[key]
    expect(result?.dims, key).toEqual(expected.shape)
    expect(relativeError(result?.data ?? new Float32Array(0), expected), key).toBeLessThan(1e-4)
    // A network whose signal died away would agree with anything.
    expect(expected.largest, key).toBeGreaterThan(0.1)
  }
}

describe.each([...BACKBONES, 'classifier', ...PROPOSALS, ...HEADS])('%s', (name) => {
  const fixture = readFixture(name)
  const model = buildNetwork(fixture.network, fixture.weights)

  it('gives what PyTorch gives, on odd sizes and a batch of 2', async () => {
    expectSame(await runModel(model, fixture.feeds), fixture.outputs)
  })

  it('uses every weight', () => expect(fixture.weights.unused()).toEqual([]))
})

it.each(['basic-v1', 'bottleneck-v1', 'bottleneck-v2'])('%s gives the same with batch norm folded', async (name) => {
  const fixture = readFixture(name)
  const model = buildNetwork(fixture.network, fixture.weights)
  const folded = foldBatchNorm(model)
  expect(folded.graph.nodes.length).toBeLessThan(model.graph.nodes.length)
  expectSame(await runModel(folded, fixture.feeds), fixture.outputs)
})

it.each(BACKBONES)('%s has the features it declares', (name) => {
  const fixture = readFixture(name)
  for (const { name: level, channels, stride } of backboneFeatures(backboneOf(fixture))) {
    const [, found, height = 0, width = 0] = fixture.outputs[level]?.shape ?? []
    expect(found).toBe(channels)
    expect(Math.abs(height - 67 / stride)).toBeLessThan(1)
    expect(Math.abs(width - 93 / stride)).toBeLessThan(1)
  }
})

it('with basic units v1 and v1.5 are the same network', async () => {
  const fixture = readFixture('basic-v1')
  const description = backboneOf(fixture)
  if (description.family !== 'residual') throw new Error('not a residual network')
  const model = buildBackbone({ ...description, variant: 'v1.5' }, fixture.weights)
  expectSame(await runModel(model, fixture.feeds), fixture.outputs)
})

it.each(['basic-v2', 'bottleneck-v2', 'bottleneck-v1.5', 'vgg'])(
  '%s: one level is the same map without the rest',
  async (name) => {
    const fixture = readFixture(name)
    const model = buildBackbone(backboneOf(fixture), fixture.weights, ['c3'])
    const { c3 } = fixture.outputs
    if (!c3) throw new Error('no c3')
    expectSame(await runModel(model, fixture.feeds), { c3 })
    expect(fixture.weights.unused().some((tensor) => /block4|conv5/.test(tensor))).toBe(true)
  },
)

it.each(HEADS.filter((name) => name !== 'roi-pool'))('%s: a level may have no RoIs', async (name) => {
  const { network, weights, feeds, outputs } = readFixture(name)
  const last = network.graph === 'roi-head' ? network.description.levels.at(-1)?.name : undefined
  const results = await runModel(buildNetwork(network, weights), {
    ...feeds,
    [`rois_${last}`]: { data: new Float32Array(0), dims: [0, 4] },
    [`batch_${last}`]: { data: new BigInt64Array(0), dims: [0] },
  })
  const rows = (outputs.class_logits?.shape[0] ?? 0) - (feeds[`batch_${last}`]?.dims[0] ?? 0)
  expect(results.class_logits?.dims).toEqual([rows, outputs.class_logits?.shape[1]])
  expect(results.box_deltas?.dims).toEqual([rows, outputs.box_deltas?.shape[1]])
})
