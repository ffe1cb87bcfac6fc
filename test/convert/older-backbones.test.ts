import { expect, it } from 'vitest'
import { buildBackbone, buildClassifier } from '../../src/architectures/index.ts'
import { residualBackbone } from '../../src/convert/residual-backbone.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import { runModel } from '../architectures/run-model.ts'
import { dialectFile } from './dialect-fixture.ts'

type Maps = Record<string, { shape: number[]; largest: number; values: number[] }>

/** Of the largest value of a map. */
const TOLERANCE = 1e-4

/** Seeded noise, [1, 3, 63, 90]; TF-slim's is its left part with one row more. */
const noise = new Float32Array(dialectFile('backbone-input.bin').buffer)
const caffeInput = { data: noise, dims: [1, 3, 63, 90] }
const slimInput = {
  data: Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => {
    const [channel, y, x] = [Math.floor(i / 4096), Math.floor(i / 64) % 64, i % 64]
    return y < 63 ? (noise[(channel * 63 + y) * 90 + x] as number) / 128 : 0
  }),
  dims: [1, 3, 64, 64],
}

it.each([
  ['kaiminghe-letters.caffemodel', caffeInput, /^ResNet.*stride on the 1x1.*KaimingHe/, []],
  ['kaiminghe-numbers.caffemodel', caffeInput, /^ResNet.*stride on the 1x1.*KaimingHe/, []],
  [
    'slim-resnet-v2.npz',
    slimInput,
    /^ResNet v2.*TF-slim/,
    ['resnet_v2_50/logits/biases', 'resnet_v2_50/logits/weights'],
  ],
])('%s gives the maps of the reference', async (fileName, input, title, unused) => {
  const expected = JSON.parse(new TextDecoder().decode(dialectFile(fileName.replace(/\.\w+$/, '.json')))) as Maps
  const backbone = residualBackbone(readWeights(dialectFile(fileName), fileName))
  expect(backbone.title).toMatch(title)
  const maps = await runModel(buildBackbone(backbone.description, backbone.weights), { image: input })
  expect(backbone.weights.unused()).toEqual(unused)
  for (const [level, { shape, largest, values }] of Object.entries(expected)) {
    const map = maps[level]
    expect(map?.dims, level).toEqual(shape)
    const size = map?.data.length ?? 0
    const errors = values.map((value, i) =>
      Math.abs(value - (map?.data[Math.floor((i * size) / values.length)] as number)),
    )
    expect(Math.max(...errors) / largest, level).toBeLessThan(TOLERANCE)
  }
})

it("TF-slim's maps of odd sizes are rounded up, as SAME does it", async () => {
  const backbone = residualBackbone(readWeights(dialectFile('slim-resnet-v2.npz'), 'slim-resnet-v2.npz'))
  const image = { data: new Float32Array(3 * 33 * 49), dims: [1, 3, 33, 49] }
  const { c2 } = await runModel(buildBackbone(backbone.description, backbone.weights, ['c2']), { image })
  expect(c2?.dims.slice(2)).toEqual([9, 13])
})

it("TF-slim's classifier, a 1x1 convolution, becomes a fully connected layer", () => {
  const { description, weights, classes } = residualBackbone(
    readWeights(dialectFile('slim-resnet-v2.npz'), 'slim-resnet-v2.npz'),
  )
  expect(classes).toBe(5)
  buildClassifier(description, weights, 5)
  expect(weights.unused()).toEqual([])
})
