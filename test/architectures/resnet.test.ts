import { expect, it } from 'vitest'
import {
  backboneFeatures,
  buildBackbone,
  buildClassifier,
  type ResnetDepth,
  resnet,
  slimResnetV2,
  vgg,
} from '../../src/architectures/index.ts'
import { countOperations, inferShapes } from '../../src/onnx/shapes.ts'
import { zeroWeights } from '../../src/weights/random.ts'

const IMAGE = { image: [1, 3, 224, 224] }

/** Depth, parameters of torchvision's model, multiply-adds of the paper's table 1 in billions (v1; rounded down). */
const NETWORKS: readonly [ResnetDepth, number, number][] = [
  [18, 11_689_512, 1.8],
  [34, 21_797_672, 3.6],
  [50, 25_557_032, 3.8],
  [101, 44_549_160, 7.6],
  [152, 60_192_808, 11.3],
]

it.each(NETWORKS)(
  'ResNet-%i has the parameters of torchvision and the multiply-adds of the paper',
  (depth, parameters, billions) => {
    const model = buildClassifier(resnet(depth, { variant: 'v1' }), zeroWeights(), 1000)
    const count = countOperations(model, IMAGE)
    expect(count.parameters).toBe(parameters)
    expect(Math.abs(count.multiplyAdds / 1e9 - billions)).toBeLessThan(0.1)
  },
)

it('v1.5 has the same parameters as v1 and, with bottlenecks, more multiply-adds', () => {
  const count = (variant: 'v1' | 'v1.5') =>
    countOperations(buildClassifier(resnet(50, { variant }), zeroWeights(), 1000), IMAGE)
  expect(count('v1.5').parameters).toBe(count('v1').parameters)
  expect(count('v1.5').multiplyAdds / 1e9).toBeCloseTo(4.09, 2)
})

const FEATURES = [
  ...NETWORKS.map(([depth]) => [`ResNet-${depth}`, resnet(depth)] as const),
  ['ResNet-101 v2', slimResnetV2(101)] as const,
  ['VGG-16', vgg(16)] as const,
  ['three stages', resnet(50, { stages: [1, 1, 1], strideIn: 'last-unit' })] as const,
]

it.each(FEATURES)('%s: the declared features are those of the graph', (_, description) => {
  const features = backboneFeatures(description)
  const shapes = inferShapes(buildBackbone(description, zeroWeights()), { image: [2, 3, 384, 480] })
  for (const { name, channels, stride } of features) {
    expect(shapes.get(name), name).toEqual([2, channels, 384 / stride, 480 / stride])
  }
})

it('the bottleneck levels have 256 to 2048 channels, the basic ones 64 to 512', () => {
  const channels = (depth: ResnetDepth) => backboneFeatures(resnet(depth)).map((feature) => feature.channels)
  expect(channels(101)).toEqual([256, 512, 1024, 2048])
  expect(channels(18)).toEqual([64, 128, 256, 512])
})
