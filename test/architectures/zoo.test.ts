import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  ARCHITECTURES,
  architectureByName,
  type BackboneDescription,
  backboneFeatures,
  buildBackbone,
  buildClassifier,
  buildRpn,
  cifarResnet,
  resnet,
  vgg,
} from '../../src/architectures/index.ts'
import { countOperations, inferShapes } from '../../src/onnx/shapes.ts'
import { foldBatchNorm } from '../../src/onnx/transforms/fold-batch-norm.ts'
import { zeroWeights } from '../../src/weights/random.ts'
import { relativeError } from './fixture.ts'
import { runModel } from './run-model.ts'
import { seeded, seededWeights } from './seeded.ts'

interface Zoo {
  readonly counts: Record<string, { readonly parameters: number; readonly multiplyAdds: number }>
  readonly runs: Record<string, Run>
}

interface Run {
  readonly size: readonly number[]
  readonly outputs: Record<string, { shape: number[]; largest: number; values: number[] }>
}

const { counts, runs }: Zoo = JSON.parse(
  readFileSync(new URL('../fixtures/architectures/zoo.json', import.meta.url), 'utf8'),
)

const count = (name: string) => {
  const { description, classes, inputSize } = architectureByName(name)
  const image = [1, 3, inputSize, inputSize]
  return countOperations(buildClassifier(description, zeroWeights(), classes), { image })
}

describe('the zoo', () => {
  it('has every network that was counted in PyTorch, and no other', () => {
    expect(ARCHITECTURES.map(({ name }) => name).sort()).toEqual(Object.keys(counts).sort())
  })

  it.each(Object.keys(counts))('%s has the parameters and multiply-adds counted in PyTorch', (name) => {
    const { parameters, multiplyAdds } = count(name)
    expect({ parameters, multiplyAdds }).toEqual(counts[name])
  })

  /** Millions of parameters and billions of multiply-adds as the papers and torchvision print them, and half their last digit. */
  it.each<[string, number | undefined, number, number | undefined, number]>([
    ['resnet20-cifar', 0.27, 0.005, undefined, 0],
    ['resnet32-cifar', 0.46, 0.005, undefined, 0],
    ['resnet44-cifar', 0.66, 0.005, undefined, 0],
    ['resnet56-cifar', 0.85, 0.005, undefined, 0],
    ['resnet110-cifar', 1.7, 0.05, undefined, 0],
    ['resnet1202-cifar', 19.4, 0.05, undefined, 0],
    ['resnet164-v2-cifar', 1.7, 0.05, undefined, 0],
    ['resnext50-32x4d', 25, 0.05, 4.2, 0.05],
    ['resnet18', 11.689512, 0, 1.814, 0.0005],
    ['resnet152', 60.192808, 0, 11.514, 0.0005],
    ['resnext101-64x4d', 83.455272, 0, 15.46, 0.0005],
    ['vgg16', 138.357544, 0, 15.47, 0.0005],
    ['vgg19-bn', 143.678248, 0, 19.632, 0.0005],
    ['alexnet', 61.10084, 0, 0.714, 0.0005],
    ['googlenet', 6.624904, 0, 1.498, 0.0005],
  ])('%s has the published parameters and multiply-adds', (name, millions, half, billions, halfOperations) => {
    const { parameters, multiplyAdds } = count(name)
    if (millions !== undefined) expect(Math.abs(parameters / 1e6 - millions)).toBeLessThanOrEqual(half)
    if (billions !== undefined) expect(Math.abs(multiplyAdds / 1e9 - billions)).toBeLessThanOrEqual(halfOperations)
  })

  it.each(ARCHITECTURES.map(({ name }) => name))('%s has the features it declares', (name) => {
    const { description } = architectureByName(name)
    const shapes = inferShapes(buildBackbone(description, zeroWeights()), { image: [2, 3, 128, 192] })
    for (const { name: level, channels, stride } of backboneFeatures(description)) {
      const [batch, found, rows = 0, columns = 0] = shapes.get(level) ?? []
      expect([batch, found]).toEqual([2, channels])
      // AlexNet's maps lose a border.
      const border = name === 'alexnet' ? 1 : 0
      expect(128 / stride - rows).toBe(border)
      expect(192 / stride - columns).toBe(border)
    }
  })

  it('tells names that are like a wrong one', () => {
    expect(() => architectureByName('resnet100')).toThrow(/received "resnet100"; near are resnet101, /)
    expect(() => architectureByName('vgg16_bn')).toThrow(/near are vgg16-bn/)
    expect(() => architectureByName('densenet')).toThrow(/known are resnet18, resnet34/)
    expect(() => architectureByName('a'.repeat(1e6))).toThrow(/known are resnet18, .*googlenet\.$/)
  })
})

const PREACT = { variant: 'v2', bareBias: false } as const
const classifier = (description: BackboneDescription, classes = 10) =>
  buildClassifier(description, seededWeights, classes)
const named = (name: string) => {
  const { description, classes } = architectureByName(name)
  return classifier(description, classes)
}

const narrowVgg = vgg(11, {
  convolutions: [1, 1, 2, 2, 2],
  widths: [4, 6, 8, 8, 10],
  norm: { kind: 'batch', epsilon: 1e-5 },
  hidden: 12,
})

const NETWORKS = {
  alexnet: () => named('alexnet'),
  'alexnet levels': () => buildBackbone(architectureByName('alexnet').description, seededWeights),
  googlenet: () => named('googlenet'),
  'googlenet levels': () => buildBackbone(architectureByName('googlenet').description, seededWeights),
  'resnext50-32x4d': () => named('resnext50-32x4d'),
  'vgg11-bn narrow': () => classifier(narrowVgg, 7),
  'resnet20-cifar': () => named('resnet20-cifar'),
  'plain20-cifar': () => named('plain20-cifar'),
  'resnet20-v2-cifar': () => classifier(cifarResnet(20, PREACT)),
  'resnet29-v2-cifar': () => classifier(cifarResnet(29, { ...PREACT, unit: 'bottleneck', shortcut: 'B' })),
  'option A': () => classifier(resnet(18, { stages: [2, 1, 2, 1], width: 8, shortcut: 'A' })),
  'option C': () => classifier(resnet(18, { stages: [2, 1, 2, 1], width: 8, shortcut: 'C' })),
  'option A bottleneck': () => classifier(resnet(50, { stages: [1, 2], width: 8, shortcut: 'A', variant: 'v1' })),
}

it('every stored run is compared', () => expect(Object.keys(NETWORKS).sort()).toEqual(Object.keys(runs).sort()))

describe.each(Object.entries(NETWORKS))('%s', (name, build) => {
  const { size, outputs } = runs[name] as Run
  const image = { data: seeded(`image${size.join('x')}`, size), dims: size }

  it.each(['as it is', 'with batch norm folded'])('gives what PyTorch gives, %s', async (form) => {
    const model = form === 'as it is' ? build() : foldBatchNorm(build())
    const results = await runModel(model, { image })
    expect(Object.keys(results).sort()).toEqual(Object.keys(outputs).sort())
    for (const [key, { shape, largest, values }] of Object.entries(outputs)) {
      expect(results[key]?.dims).toEqual(shape)
      const expected = { shape, largest, values: Float32Array.from(values) }
      expect(relativeError(results[key]?.data ?? new Float32Array(0), expected)).toBeLessThan(1e-4)
      expect(largest).toBeGreaterThan(0.1)
    }
  })
})

it('the networks stand under a pyramid', () => {
  for (const { name, description } of ARCHITECTURES) {
    const levels = backboneFeatures(description).slice(1)
    const rpn = buildRpn({ levels, pyramid: { channels: 8, extraLevel: true }, channels: 8, anchors: 3 }, zeroWeights())
    const first = levels[0]?.name.replace('c', 'p') ?? ''
    expect(
      rpn.graph.outputs.map((output) => output.name),
      name,
    ).toContain(first)
  }
})
