import { describe, expect, it } from 'vitest'
import { buildBackbone } from '../../src/architectures/index.ts'
import { convertDetector } from '../../src/convert/convert.ts'
import { detectorRecipe } from '../../src/convert/dialects/index.ts'
import { residualBackbone } from '../../src/convert/residual-backbone.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import type { StoredTensor, WeightFile } from '../../src/weights/stored-tensor.ts'
import { dialectFile } from './dialect-fixture.ts'

type Change = (tensors: Map<string, StoredTensor>) => void

function changed(name: string, change: Change): WeightFile {
  const file = readWeights(dialectFile(name), name)
  const tensors = new Map(file.tensors)
  change(tensors)
  return { ...file, tensors }
}

const filled = (shape: number[], value = 0): StoredTensor => ({
  dtype: 'F32',
  shape,
  bytes: new Uint8Array(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value).buffer),
})

describe('convertDetector refuses', () => {
  it.each<[string, string, Change, RegExp]>([
    [
      'a missing half of the logits',
      'faster-rcnn-pytorch-vgg16.pth',
      (t) => t.set('RCNN_rpn.RPN_cls_score.weight', filled([9, 8, 1, 1])),
      /9 or 12 anchors a cell, two logits each, but it has 9 logits/,
    ],
    [
      'logits whose bias is of another number',
      'faster-rcnn-pytorch-vgg16.pth',
      (t) => t.set('RCNN_rpn.RPN_cls_score.bias', filled([9])),
      /shape \[18\] for tensor "RCNN_rpn\.RPN_cls_score\.bias" but received \[9\]/,
    ],
    [
      'a stage that is missing',
      'faster-rcnn-pytorch-res101.pth',
      (t) => t.delete('RCNN_top.0.0.conv2.weight'),
      /"RCNN_top\.0\.0\.conv2\.weight".*missing/,
    ],
    [
      'a NaN in what is subtracted',
      'py-faster-rcnn.caffemodel',
      (t) => t.set('rpn_cls_score.1', filled([1, 1, 1, 18], Number.NaN)),
      /finite numbers in tensor "rpn_cls_score\.1"/,
    ],
    ['a missing convolution', 'py-faster-rcnn.caffemodel', (t) => t.delete('conv4_2.0'), /"conv4_2\.0".*missing/],
    [
      'a layer without a place',
      'py-faster-rcnn.caffemodel',
      (t) => t.set('fc8.0', filled([1])),
      /1 have none: "fc8\.0"/,
    ],
    [
      'other anchors',
      'chainercv-vgg16.npz',
      (t) => t.set('rpn/score/W', filled([24, 8, 1, 1])),
      /9 anchors a cell, two logits each, but it has 24 logits/,
    ],
    [
      'deltas of another number of classes',
      'chainercv-vgg16.npz',
      (t) => t.set('head/cls_loc/b', filled([80])),
      /shape \[84\] for tensor "head\/cls_loc\/b" but received \[80\]/,
    ],
    [
      'a missing level',
      'chainercv-fpn.npz',
      (t) => t.delete('extractor/inner/2/W'),
      /"extractor\/inner\/2\/W".*missing/,
    ],
    [
      'a missing head',
      'mmdetection1-caffe.pth',
      (t) => t.delete('bbox_head.shared_fcs.1.bias'),
      /"bbox_head\.shared_fcs\.1\.bias".*missing/,
    ],
    [
      'a form that is not read',
      'detectron-fpn.pkl',
      (t) => t.delete('conv_rpn_fpn2_w'),
      /with a feature pyramid \(conv_rpn_fpn2_w\)/,
    ],
    [
      'a missing scale',
      'detectron-fpn.pkl',
      (t) => t.delete('res3_1_branch2b_bn_s'),
      /"res3_1_branch2b_bn_s".*missing/,
    ],
  ])('%s', async (_, name, change, message) => {
    const convert = async () => convertDetector(detectorRecipe(changed(name, change)).recipe)
    await expect(convert()).rejects.toThrow(message)
  })

  it('anchors that are not as many as their sizes and ratios', async () => {
    const { recipe } = detectorRecipe(changed('chainercv-fpn.npz', () => {}))
    const levels = recipe.manifest.anchors.levels.map((level) => ({ ...level, boxes: level.boxes?.slice(1) }))
    const manifest = { ...recipe.manifest, anchors: { ...recipe.manifest.anchors, levels } }
    await expect(convertDetector({ ...recipe, manifest })).rejects.toThrow(
      /"p2" has 2 boxes, its sizes and ratios say 3/,
    )
  })

  it.each(['crop', 'x'.repeat(5000)])('a pooling that no graph here does: %.9s', (pooling_mode) => {
    const file = { ...changed('faster-rcnn-pytorch-vgg16.pth', () => {}), metadata: { pooling_mode } }
    expect(() => detectorRecipe(file)).toThrow(
      /^.*pooling_mode "align" or "pool" in the checkpoint but received "[\s\S]{1,400}$/,
    )
  })

  it('a backbone that a VGG is not', () => {
    const file = readWeights(dialectFile('py-faster-rcnn.caffemodel'), 'py-faster-rcnn.caffemodel')
    expect(() => detectorRecipe(file, { arch: 'resnet50' })).toThrow(/vgg16 or vgg19 for arch but received "resnet50"/)
  })

  it.each([
    ['kaiminghe-letters.caffemodel', /a ResNet of KaimingHe \(Caffe\), which is a backbone/],
    ['slim-resnet-v2.npz', /a ResNet v2 of TF-slim, which is a backbone/],
  ])('a backbone alone: %s', (name, message) => {
    expect(() => detectorRecipe(changed(name, () => {}))).toThrow(message)
  })
})

describe('residualBackbone', () => {
  it('names a blob that a Caffe batch norm lacks', () => {
    const { description, weights } = residualBackbone(
      changed('kaiminghe-numbers.caffemodel', (t) => t.delete('bn3b1_branch2a.2')),
    )
    expect(() => buildBackbone(description, weights)).toThrow(/"bn3b1_branch2a\.2".*missing/)
  })

  it('takes a factor of 0 as Caffe does: nothing was gathered', () => {
    const name = 'kaiminghe-numbers.caffemodel'
    const { weights } = residualBackbone(changed(name, (t) => t.set('bn_conv1.2', filled([1]))))
    expect([...weights.tensor('backbone.conv1.bn.running_mean', [2])].map(Math.abs)).toEqual([0, 0])
  })
})

it.each([
  ['align', { pooling: 'bin-corners', samplingRatio: 1 }],
  ['pool', { pooling: 'pool', samplingRatio: 0 }],
  [undefined, { pooling: 'bin-corners', samplingRatio: 1 }],
])('faster-rcnn.pytorch pools as the checkpoint says: %s', (pooling_mode, roi) => {
  const file = changed('faster-rcnn-pytorch-vgg16.pth', () => {})
  expect(file.metadata).toEqual({ pooling_mode: 'align' })
  const stating = { ...file, metadata: pooling_mode === undefined ? {} : { pooling_mode } }
  expect(detectorRecipe(stating).recipe.manifest.roi).toMatchObject(roi)
})

it("Detectron2's constants of the input must be those that the recipe gives, unless the dialect is named", () => {
  const numbers = (values: number[]): StoredTensor => ({
    dtype: 'F32',
    shape: [3, 1, 1],
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  })
  const stating = (mean: number[], std: number[]) =>
    changed('detectron2-FPN.pkl', (t) => t.set('pixel_mean', numbers(mean)).set('pixel_std', numbers(std)))
  expect(detectorRecipe(stating([103.53, 116.28, 123.675], [1, 1, 1])).recipe.manifest.input.channels).toBe('bgr')
  const foreign = stating([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
  expect(() => detectorRecipe(foreign)).toThrow(
    /pixel_mean \[103\.53, .* but the file has \[123\.675, 116\.28, 103\.53\]/,
  )
  expect(detectorRecipe(foreign, { dialect: 'detectron2' }).recipe.manifest.input.mean[0]).toBe(103.53)
})

it('what Detectron keeps of other heads is left out and listed', async () => {
  const file = changed('detectron-fpn.pkl', (t) => t.set('mask_fcn_logits_w', filled([4])))
  const { leftOut } = await convertDetector(detectorRecipe(file).recipe)
  expect(leftOut).toEqual(['mask_fcn_logits_w'])
})

it('the older head of ChainerCV has another name', async () => {
  const file = changed('chainercv-fpn.npz', (t) => {
    for (const [name, tensor] of [...t]) {
      if (!name.startsWith('bbox_head/')) continue
      t.delete(name)
      t.set(name.replace('bbox_head/', 'head/'), tensor)
    }
  })
  const { leftOut } = await convertDetector(detectorRecipe(file).recipe)
  expect(leftOut).toEqual([])
})
