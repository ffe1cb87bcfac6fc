import { describe, expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { type DialectOptions, detectorRecipe } from '../../src/convert/dialects/index.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import type { StoredTensor, WeightFile } from '../../src/weights/stored-tensor.ts'
import { dialectFile } from './dialect-fixture.ts'

type Change = (tensors: Map<string, StoredTensor>) => void

function changed(name: string, change: Change = () => {}): WeightFile {
  const file = readWeights(dialectFile(name), name)
  const tensors = new Map(file.tensors)
  change(tensors)
  return { ...file, tensors }
}

const vector = (values: number[]): StoredTensor => ({
  dtype: 'F32',
  shape: [values.length],
  bytes: new Uint8Array(new Float32Array(values).buffer),
})

const CLS = 'roi_heads.box_predictor.cls_score.weight'

describe('convertDetector refuses', () => {
  it.each<[string, string, Change, RegExp]>([
    [
      'a missing tensor',
      'torchvision-v1.pth',
      (t) => t.delete('backbone.body.layer2.0.conv1.weight'),
      /tensor "backbone\.body\.layer2\.0\.conv1\.weight".*missing/,
    ],
    [
      'a missing bias',
      'detectron2-FPN.pkl',
      (t) => t.delete('backbone.fpn_lateral2.bias'),
      /tensor "backbone\.fpn_lateral2\.bias".*missing/,
    ],
    [
      'a missing head',
      'mmdetection-pytorch.pth',
      (t) => t.delete('roi_head.bbox_head.shared_fcs.1.bias'),
      /"roi_head\.bbox_head\.shared_fcs\.1\.bias".*missing/,
    ],
    [
      'a wrong shape',
      'torchvision-v2.pth',
      (t) => t.set('rpn.head.conv.1.0.bias', vector([1, 2])),
      /shape \[8\] for tensor "rpn\.head\.conv\.1\.0\.bias" but received \[2\]/,
    ],
    [
      'a NaN',
      'detectron2-C4.pkl',
      (t) => t.set('proposal_generator.rpn_head.conv.bias', vector(new Array(48).fill(Number.NaN))),
      /finite numbers in tensor "proposal_generator\.rpn_head\.conv\.bias"/,
    ],
    [
      'a tensor without a place',
      'detectron2-FPN.pkl',
      (t) => t.set('backbone.fpn_lateral2.norm.weight', vector([1])),
      /1 have none: "backbone\.fpn_lateral2\.norm\.weight"/,
    ],
    [
      'another number of anchors',
      'torchvision-v1.pth',
      (t) => t.set('rpn.head.cls_logits.weight', { dtype: 'F32', shape: [15, 8, 1, 1], bytes: new Uint8Array(480) }),
      /3 anchors a cell.*received 15/,
    ],
    [
      'an empty predictor',
      'torchvision-v1.pth',
      (t) => t.set(CLS, { dtype: 'F32', shape: [], bytes: new Uint8Array(4) }),
      /shape \[1\] for tensor "roi_heads\.box_predictor\.cls_score\.weight" but received \[\]/,
    ],
  ])('%s', async (_, name, change, message) => {
    const convert = async () => convertDetector(detectorRecipe(changed(name, change)).recipe)
    await expect(convert()).rejects.toThrow(message)
  })

  it.each<[string, DialectOptions & { dialect?: string }, RegExp]>([
    ['another dialect', { dialect: 'detectron2' }, /missing/],
    ['a dialect that does not exist', { dialect: 'darknet' }, /vertebra-detector, torchvision-faster-rcnn.*"darknet"/],
    ['an architecture of other units', { arch: 'resnet101' }, /"backbone\.body\.layer1\.1\..*missing/],
    ['an architecture that does not exist', { arch: 'vgg16' }, /resnet18, 34.*"vgg16"/],
    ['too few labels', { labels: ['cat'] }, /90 labels.*received 1/],
  ])('%s', async (_, options, message) => {
    const convert = async () => convertDetector(detectorRecipe(changed('torchvision-v1.pth'), options).recipe)
    await expect(convert()).rejects.toThrow(message)
  })

  it.each([
    ['layer1.0.conv1.weight', /a ResNet with the names of torchvision and timm, which is a backbone without/],
    ['transformer.h.0.attn.weight', /PyTorch file of 1 tensors such as "transformer\.h\.0\.attn\.weight"/],
  ])('weights of no detector: %s', (name, message) => {
    const file = { container: 'PyTorch file', tensors: new Map([[name, vector([1])]]), metadata: {} }
    expect(() => detectorRecipe(file)).toThrow(message)
  })
})

it('a mask head is left out and listed', async () => {
  const file = changed('detectron2-C4.pkl', (t) => t.set('roi_heads.mask_head.deconv.weight', vector([1])))
  const { leftOut } = await convertDetector(detectorRecipe(file).recipe)
  expect(leftOut).toEqual(['roi_heads.mask_head.deconv.weight'])
})

it('a person can say what the file does not: epsilon, style, labels', () => {
  const named = (name: string, options: object) => detectorRecipe(changed(name), options).recipe
  const epsilon = ({ network }: ReturnType<typeof named>) =>
    network.backbone.family === 'residual' && network.backbone.norm.kind === 'batch' && network.backbone.norm.epsilon
  expect(epsilon(named('torchvision-v1.pth', {}))).toBe(0)
  expect(epsilon(named('torchvision-resnet18.pth', {}))).toBe(1e-5)
  expect(epsilon(named('torchvision-resnet18.pth', { dialect: 'torchvision-faster-rcnn-epsilon0' }))).toBe(0)
  const caffe = named('mmdetection-pytorch.pth', { dialect: 'mmdetection-caffe', labels: ['a', 'b', 'c'] })
  expect(caffe.manifest.input.channels).toBe('bgr')
  expect(caffe.manifest.labels.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  expect(named('mmdetection-caffe.pth', {}).manifest.labels[2]?.name).toBe('person')
})
