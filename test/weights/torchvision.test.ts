import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { buildBackbone, buildClassifier, resnet, vgg } from '../../src/architectures/index.ts'
import { imageNetwork } from '../../src/convert/image-network.ts'
import { residualBackbone } from '../../src/convert/residual-backbone.ts'
import type { StoredTensor, WeightFile } from '../../src/weights/stored-tensor.ts'

const STATES: Record<string, Record<string, number[]>> = JSON.parse(
  readFileSync(new URL('../fixtures/architectures/torchvision-states.json', import.meta.url), 'utf8'),
)

/** A checkpoint with the names and shapes of torchvision's, all zero and without memory of its own. */
function checkpoint(name: string): WeightFile {
  const shared = new ArrayBuffer(512 * 7 * 7 * 4096 * 4)
  const tensors = Object.entries(STATES[name] ?? {}).map(([key, shape]): [string, StoredTensor] => {
    const size = shape.reduce((product, dim) => product * dim, 4)
    return [key, { dtype: 'F32', shape, bytes: new Uint8Array(shared, 0, size) }]
  })
  return { container: 'PyTorch file', tensors: new Map(tensors), metadata: {} }
}

it.each([
  ['resnet18', 18],
  ['resnet50', 50],
] as const)('every tensor of %s has its place', (name, depth) => {
  const { weights } = residualBackbone(checkpoint(name))
  buildClassifier(resnet(depth), weights, 1000)
  expect(weights.names().length).toBeGreaterThan(100)
  expect(weights.unused()).toEqual([])
})

it('the convolutions of vgg16 have their place', () => {
  const { weights } = imageNetwork(checkpoint('vgg16'))
  buildBackbone(vgg(16), weights)
  expect(weights.unused()).toEqual(
    [0, 3, 6].flatMap((index) => [`classifier.${index}.bias`, `classifier.${index}.weight`]),
  )
})

it('a checkpoint of another depth is refused by the name in its file', () => {
  const build = () => buildBackbone(resnet(50), residualBackbone(checkpoint('resnet18')).weights)
  expect(build).toThrow(/"layer1\.0\.downsample\.0\.weight".*missing.*"layer1\.0\.bn1\.bias"/)
  expect(() => buildBackbone(resnet(34), residualBackbone(checkpoint('resnet18')).weights)).toThrow(
    /"layer1\.2\.conv1\.weight"/,
  )
})
