import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { convertBackbone, convertClassifier } from '../../src/convert/convert-network.ts'
import { imageNetwork } from '../../src/convert/image-network.ts'
import { softmax } from '../../src/heads/softmax.ts'
import { loadBackbone, loadClassifier } from '../../src/index.node.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import type { WeightFile } from '../../src/weights/stored-tensor.ts'
import { fixture } from '../images/fixtures.ts'
import { temporaryFolder, writeModelFolder } from '../tiny-model.ts'

// Narrow networks of torchvision's own classes, and their logits: test/reference/classification.py.
const FOLDER = new URL('../fixtures/classify/', import.meta.url)
const EXPECTED: Record<string, number[]> = JSON.parse(readFileSync(new URL('classify.json', FOLDER), 'utf8'))
const labels = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

function weightsOf(name: string): WeightFile {
  return readWeights(new Uint8Array(readFileSync(new URL(`${name}.pth`, FOLDER))), `${name}.pth`)
}

const TITLES: Record<string, string> = {
  vgg11: 'VGG-11',
  vgg11_bn: 'VGG-11 with batch norm',
  vgg13: 'VGG-13',
  vgg13_bn: 'VGG-13 with batch norm',
  vgg16: 'VGG-16',
  vgg16_bn: 'VGG-16 with batch norm',
  vgg19: 'VGG-19',
  vgg19_bn: 'VGG-19 with batch norm',
  alexnet: 'AlexNet in one column',
  googlenet: 'GoogLeNet with batch norm',
  resnet: 'ResNet of 1, 2, 1, 1 units',
}

describe.each(Object.entries(TITLES))('%s', (name, title) => {
  it('is recognised, and classifies a picture file as torchvision does', async () => {
    const network = imageNetwork(weightsOf(name))
    expect(network.title).toMatch(new RegExp(`^${title} with the names of torchvision`))
    const folder = await writeModelFolder(
      join(temporaryFolder(), name),
      await convertClassifier(network, { labels }, 'float32'),
    )
    await using classifier = await loadClassifier(folder, { device: 'cpu' })
    const { width, height, classes } = await classifier.classify(fixture('photo.png'), { top: 7 })
    expect([width, height]).toEqual([97, 73])
    expect(classes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5)
    const logits = EXPECTED[name] ?? []
    const largest = Math.max(...logits.map(Math.abs))
    const expected = softmax(Float32Array.from(logits))
    expect(classes).toHaveLength(7)
    for (const { label, classIndex, probability } of classes) {
      expect(label).toBe(labels[classIndex])
      // Differences of log-probabilities are those of logits, up to one shift for all.
      const difference = Math.log(probability) - Math.log(expected[classIndex] as number)
      expect(Math.abs(difference)).toBeLessThan(1e-4 * largest)
    }
    const order = [...logits.keys()].sort((a, b) => (logits[b] as number) - (logits[a] as number))
    expect(classes.map(({ classIndex }) => classIndex)).toEqual(order)
  })

  it('gives the maps of whole pictures as a backbone alone, of the middle under its classifier', async () => {
    const base = temporaryFolder()
    const classifier = await writeModelFolder(
      join(base, 'classify'),
      await convertClassifier(imageNetwork(weightsOf(name)), {}, 'float32'),
    )
    const { manifest, files } = await convertBackbone(imageNetwork(weightsOf(name)), {}, 'float32')
    const alone = await writeModelFolder(join(base, 'features'), { manifest, files, leftOut: [] })
    // Not resized by either; the classifier sees the middle 224 pixels.
    const data = Uint8Array.from({ length: 256 * 256 * 3 }, (_, i) => (i * 7919) % 251)
    await using below = await loadBackbone(classifier, { device: 'cpu' })
    await using backbone = await loadBackbone(alone, { device: 'cpu' })
    const cut = await below.extract({ width: 256, height: 256, data })
    const whole = await backbone.extract({ width: 256, height: 256, data })
    expect(Object.keys(whole)).toEqual(['c2', 'c3', 'c4', 'c5'])
    for (const { name: level, channels } of backbone.features) {
      expect(whole[level]?.channels).toBe(channels)
      expect(whole[level]?.width).toBeGreaterThan(cut[level]?.width ?? Number.POSITIVE_INFINITY)
    }
    expect(below.manifest.graphs.backbone.sha256).toBe(manifest.graphs.backbone.sha256)
    expect(await backbone.embed({ width: 256, height: 256, data })).toHaveLength(
      backbone.features.at(-1)?.channels ?? 0,
    )
  })
})
