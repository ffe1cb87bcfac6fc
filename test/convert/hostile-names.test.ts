import { expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { detectorRecipe } from '../../src/convert/dialects/index.ts'
import { kerasNetwork } from '../../src/convert/keras-network.ts'
import { residualBackbone } from '../../src/convert/residual-backbone.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import type { StoredTensor, WeightFile } from '../../src/weights/stored-tensor.ts'
import { errorOf } from '../error-of.ts'
import { dialectFile } from './dialect-fixture.ts'

const NAME = `\x1b[2Jevil${'x'.repeat(5e6)}`
const one: StoredTensor = { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }
const file = (...names: string[]): WeightFile => ({
  container: 'PyTorch file',
  tensors: new Map(names.map((name) => [name, one])),
  metadata: {},
})

function withName(fixture: string): WeightFile {
  const stored = readWeights(dialectFile(fixture), fixture)
  return { ...stored, tensors: new Map([...stored.tensors, [NAME, one]]) }
}

it.each<[string, () => unknown]>([
  ['a ResNet', () => residualBackbone(file(NAME))],
  ['a network of Keras', () => kerasNetwork(file(`a/${NAME}/kernel:0`))],
  ['a network of Keras, twice', () => kerasNetwork(file(`a/${NAME}/kernel:0`, `b/${NAME}/kernel:0`))],
  ['a detector', () => convertDetector(detectorRecipe(withName('torchvision-v2.pth')).recipe)],
])('a message shows the names of a file short and escaped: %s', async (_, convert) => {
  const message = await errorOf((async () => convert())())
  expect(message).toMatch(/^WEIGHTS_INVALID: .*\\u001b\[2Jevilx/)
  expect(message.length).toBeLessThan(400)
})
