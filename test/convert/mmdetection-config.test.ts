import { describe, expect, it } from 'vitest'
import { detectorRecipe } from '../../src/convert/dialects/index.ts'
import { unusualNumbers } from '../../src/convert/dialects/mmdetection-numbers.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import type { WeightFile } from '../../src/weights/stored-tensor.ts'
import { dialectFile } from './dialect-fixture.ts'

function withConfig(name: string, config: string): WeightFile {
  return { ...readWeights(dialectFile(name), name), metadata: { config } }
}

describe("MMDetection's style is that of the stored configuration", () => {
  it.each([
    ["dict(style='caffe')", 'mmdetection-caffe'],
    ["{'style': 'caffe'}", 'mmdetection-caffe'],
    ['dict(style = "caffe")', 'mmdetection-caffe'],
    ["dict(style='pytorch')  # was style='caffe'", 'mmdetection'],
    ["dict(img_style='caffe')", 'mmdetection'],
    ['', 'mmdetection'],
  ])('%s', (config, dialect) => {
    expect(detectorRecipe(withConfig('mmdetection-pytorch.pth', config)).dialect).toBe(dialect)
  })
})

describe("MMDetection's anchors and box targets", () => {
  const usual = `rpn_head=dict(
    anchor_generator=dict(type='AnchorGenerator', scales=[8], ratios=[0.5, 1.0, 2.0], strides=[4, 8, 16, 32, 64]),
    bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_means=[.0, .0, .0, .0], target_stds=[1.0, 1.0, 1.0, 1.0])),
roi_head=dict(bbox_head=dict(bbox_coder=dict(target_means=[0., 0., 0., 0.], target_stds=[0.1, 0.1, 0.2, 0.2]))),
train_pipeline=[dict(type='RandomChoiceResize', scales=[(1333, 640), (1333, 800)], keep_ratio=True)]`
  const version1 = 'rpn_head=dict(anchor_scales=[8], anchor_ratios=[0.5, 1.0, 2.0], anchor_strides=[4, 8, 16, 32, 64])'

  it('are the usual ones where the configuration says them or nothing', () => {
    expect([usual, version1, '', "dict(style='pytorch')", undefined].map((config) => unusualNumbers(config))).toEqual(
      Array(5).fill(undefined),
    )
  })

  it.each([
    [usual, 'scales=[8]', 'scales=[4]', 'scales'],
    [usual, 'scales=[8]', 'scales=SCALES', 'scales'],
    [usual, 'ratios=[0.5, 1.0, 2.0]', "'ratios': (0.3, 1, 3)", 'ratios'],
    [usual, 'strides=[4, 8', 'strides=[2, 8', 'strides'],
    [usual, '[0.1, 0.1, 0.2, 0.2]', '[0.05, 0.05, 0.1, 0.1]', 'target_stds'],
    [version1, '[8]', '[4]', 'anchor_scales'],
    [version1, '0.5', '0.3', 'anchor_ratios'],
  ])('%#: others are refused until the dialect is named', (config, from, to, key) => {
    const file = withConfig('mmdetection-pytorch.pth', config.replace(from, to))
    expect(unusualNumbers(file.metadata.config)).toMatchObject({ key })
    expect(() => detectorRecipe(file)).toThrow(new RegExp(`^Expected ${key}=\\[.*but it has others: name the dialect`))
    expect(detectorRecipe(file, { dialect: 'mmdetection' }).recipe.manifest.anchors.aspectRatios).toEqual([0.5, 1, 2])
  })
})
