import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { convertBackbone, convertClassifier, type NetworkOptions } from '../../src/convert/convert-network.ts'
import { imageNetwork } from '../../src/convert/image-network.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import type { WeightFile } from '../../src/weights/stored-tensor.ts'

function classifier(name: string): WeightFile {
  const url = new URL(`../fixtures/classify/${name}.pth`, import.meta.url)
  return readWeights(new Uint8Array(readFileSync(url)), `${name}.pth`)
}

/** torchvision's VGG16_Weights.IMAGENET1K_FEATURES: its transforms' mean and std, on the scale 0 to 255. */
function expectCaffe({ mean, std }: { readonly mean: readonly number[]; readonly std: readonly number[] }): void {
  for (const [i, value] of [0.48235 * 255, 0.45882 * 255, 0.40784 * 255].entries())
    expect(mean[i]).toBeCloseTo(value, 9)
  for (const value of std) expect(value).toBeCloseTo(1, 12)
}

it('a person can say how the network was shown its pictures', async () => {
  const network = imageNetwork(classifier('vgg16'))
  const { manifest } = await convertBackbone(network, { input: 'caffe-rgb' })
  expectCaffe(manifest.input)
  expect(manifest.input.channels).toBe('rgb')
  expectCaffe((await convertClassifier(network, { input: 'caffe-rgb' })).manifest.input)
})

it('GoogLeNet without transform_input takes pictures as the others', async () => {
  const google = imageNetwork(classifier('googlenet'))
  const { input } = (await convertBackbone(google, { input: 'imagenet' })).manifest
  expect(input).toEqual((await convertBackbone(imageNetwork(classifier('vgg16')))).manifest.input)
})

it('refuses another input', async () => {
  const wrong: NetworkOptions = JSON.parse('{ "input": "opencv" }')
  await expect(convertBackbone(imageNetwork(classifier('vgg16')), wrong)).rejects.toThrow(
    /imagenet or caffe-rgb for input but received "opencv"/,
  )
})

it('a VGG-16 whose classifier is NaN is the one that was ported from Caffe, for features alone', async () => {
  const file = classifier('vgg16')
  const tensors = new Map(file.tensors)
  for (const [name, tensor] of tensors) {
    if (!name.startsWith('classifier.')) continue
    const values = new Float32Array(tensor.shape.reduce((product, dim) => product * dim, 1)).fill(Number.NaN)
    tensors.set(name, { dtype: 'F32', shape: tensor.shape, bytes: new Uint8Array(values.buffer) })
  }
  const network = imageNetwork({ ...file, tensors })
  const { manifest, leftOut } = await convertBackbone(network)
  expectCaffe(manifest.input)
  expect(leftOut).toHaveLength(6)
  await expect(convertClassifier(network)).rejects.toThrow(/Expected a classifier in the weights/)
})
