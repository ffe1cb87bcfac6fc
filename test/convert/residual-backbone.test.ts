import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { buildClassifier } from '../../src/architectures/index.ts'
import { residualBackbone } from '../../src/convert/residual-backbone.ts'
import type { StoredTensor, WeightFile } from '../../src/weights/stored-tensor.ts'

const STATES: Record<string, Record<string, number[]>> = JSON.parse(
  readFileSync(new URL('../fixtures/architectures/torchvision-states.json', import.meta.url), 'utf8'),
)

/** The names of transformers/models/resnet/convert_resnet_to_pytorch.py, from torchvision's. */
function huggingFace(name: string): string {
  return name
    .replace(/^conv1\./, 'resnet.embedder.embedder.convolution.')
    .replace(/^bn1\./, 'resnet.embedder.embedder.normalization.')
    .replace(/^fc\./, 'classifier.1.')
    .replace(/^layer(\d)\.(\d+)\./, (_, stage, unit) => `resnet.encoder.stages.${stage - 1}.layers.${unit}.`)
    .replace(/\.conv(\d)\./, (_, i) => `.layer.${i - 1}.convolution.`)
    .replace(/\.bn(\d)\./, (_, i) => `.layer.${i - 1}.normalization.`)
    .replace('downsample.0.', 'shortcut.convolution.')
    .replace('downsample.1.', 'shortcut.normalization.')
}

function zeros(state: Record<string, number[]>, rename: (name: string) => string): WeightFile {
  const shared = new ArrayBuffer(2048 * 1000 * 4 * 2)
  const tensors = Object.entries(state).map(([name, shape]): [string, StoredTensor] => {
    const size = shape.reduce((product, dim) => product * dim, 4)
    return [rename(name), { dtype: 'F32', shape, bytes: new Uint8Array(shared, 0, size) }]
  })
  return { container: 'test', tensors: new Map(tensors), metadata: {} }
}

describe.each([
  ['torchvision and timm', (name: string) => name],
  ['Hugging Face', huggingFace],
] as const)('names of %s', (project, rename) => {
  it.each([
    ['resnet18', 'ResNet-18'],
    ['resnet50', 'ResNet-50 (stride on the 3x3)'],
  ])('%s is recognised, and every tensor has its place', (name, title) => {
    const backbone = residualBackbone(zeros(STATES[name] ?? {}, rename))
    expect(backbone.title).toBe(`${title} with the names of ${project}`)
    expect(backbone.classes).toBe(1000)
    buildClassifier(backbone.description, backbone.weights, 1000)
    expect(backbone.weights.unused()).toEqual([])
  })
})

it('other weights are refused', () => {
  expect(() => residualBackbone(zeros({ 'features.0.weight': [1] }, (name) => name))).toThrow(
    /names of torchvision and timm, Hugging Face, .*TF-slim.*features\.0\.weight/,
  )
})
