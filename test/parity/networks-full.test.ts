import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildBackbone } from '../../src/architectures/index.ts'
import { convertClassifier } from '../../src/convert/convert-network.ts'
import { imageNetwork } from '../../src/convert/image-network.ts'
import { residualBackbone } from '../../src/convert/residual-backbone.ts'
import { loadClassifier } from '../../src/index.node.ts'
import { readBytes, readWeightsOf } from '../../src/weights/read-weights.node.ts'
import { type Feed, runModel } from '../architectures/run-model.ts'
import { expectNearMaps } from '../convert/compare-detector.ts'
import { type Expected, readPhoto } from '../convert/dialect-fixture.ts'
import { writeModelFolder } from '../tiny-model.ts'
import { type Checkpoint, isParity, MINUTES, short, withCheckpoint } from './full-size.ts'

const SIDES = [320, 533] as const
const PROBABILITY = 0.002

interface Network {
  readonly input: readonly number[]
  readonly features: Expected['features']
  readonly probabilities?: readonly number[]
}

const DEPTHS = [18, 34, 50, 101, 152]
const CLASSIFIERS: readonly (readonly [file: string, title: string])[] = [
  ...DEPTHS.map((depth) => [`torchvision-resnet${depth}-classifier.pth`, `ResNet-${depth}`] as const),
  ...[11, 13, 16, 19].flatMap(
    (depth) =>
      [
        [`torchvision-vgg${depth}-classifier.pth`, `VGG-${depth}`],
        [`torchvision-vgg${depth}-bn-classifier.pth`, `VGG-${depth} with batch norm`],
      ] as const,
  ),
  ...DEPTHS.map((depth) => [`timm-resnet${depth}.pth`, `ResNet-${depth}`] as const),
  ...DEPTHS.map((depth) => [`huggingface-resnet${depth}.safetensors`, `ResNet-${depth}`] as const),
]
const BACKBONES: readonly (readonly [file: string, title: string])[] = [
  ...[50, 101, 152].map((depth) => [`kaiminghe-resnet${depth}.caffemodel`, `ResNet-${depth}`] as const),
  ...[50, 101, 152].map((depth) => [`slim-resnet-v2-${depth}.npz`, `ResNet-${depth} v2`] as const),
]

describe.skipIf(!isParity)('classifiers of full size with random weights give the same', () => {
  it.for(CLASSIFIERS)('%s', { timeout: 10 * MINUTES }, async ([fileName, title], context) => {
    await withCheckpoint(context, fileName, SIDES, async ({ path, folder }) => {
      const { features, image, probabilities = [] } = readNetwork({ path })
      const network = imageNetwork(await readWeightsOf(path, await readBytes(path)))
      expect(network.title).toMatch(new RegExp(`^${title} (\\(|with the names)`))
      const maps = await runModel(buildBackbone(network.description, network.weights), { image })
      const worst = expectNearMaps(maps, features)

      const model = await convertClassifier(
        imageNetwork(await readWeightsOf(path, await readBytes(path))),
        {},
        'float32',
      )
      await using classifier = await loadClassifier(await writeModelFolder(join(path, '../model'), model), {
        device: 'cpu',
      })
      const { classes } = await classifier.classify({ ...readPhoto(folder), channels: 3 }, { top: 1000 })
      expect(classes).toHaveLength(1000)
      const differences = classes.map((each) => Math.abs(each.probability - (probabilities[each.classIndex] as number)))
      expect(Math.max(...differences)).toBeLessThan(PROBABILITY)
      expect(classes[0]?.classIndex).toBe(probabilities.indexOf(Math.max(...probabilities)))
      console.info(
        `${fileName}: largest differences: features ${short(worst)}, probabilities ${short(Math.max(...differences))}`,
      )
    })
  })
})

describe.skipIf(!isParity)('backbones of full size with random weights give the same', () => {
  it.for(BACKBONES)('%s', { timeout: 10 * MINUTES }, async ([fileName, title], context) => {
    await withCheckpoint(context, fileName, SIDES, async ({ path }) => {
      const { features, image } = readNetwork({ path })
      const backbone = residualBackbone(await readWeightsOf(path, await readBytes(path)))
      expect(backbone.title).toMatch(new RegExp(`^${title} `))
      const worst = expectNearMaps(
        await runModel(buildBackbone(backbone.description, backbone.weights), { image }),
        features,
      )
      console.info(`${fileName}: largest differences: features ${short(worst)}`)
    })
  })
})

function readNetwork({ path }: Pick<Checkpoint, 'path'>): Network & { readonly image: Feed } {
  const read = (extension: string) => readFileSync(path.replace(/\.\w+$/, extension))
  const { input, ...expected } = JSON.parse(read('.json').toString()) as Network
  return { ...expected, input, image: { data: new Float32Array(new Uint8Array(read('.bin')).buffer), dims: input } }
}
