import { describe, expect, it } from 'vitest'
import { detectorRecipe } from '../../src/convert/dialects/index.ts'
import { configuredColours } from '../../src/convert/dialects/mmdetection-colours.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import type { WeightFile } from '../../src/weights/stored-tensor.ts'
import { dialectFile } from './dialect-fixture.ts'

// The numbers of open-mmlab/mmdetection's configs/mask_rcnn/mask-rcnn_x101-32x8d_fpn_1x_coco.py, of style pytorch.
const X101 = { channels: 'bgr', mean: [103.53, 116.28, 123.675], std: [57.375, 57.12, 58.395] }
const R50 = { channels: 'rgb', mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] }

function withConfig(name: string, config: string): WeightFile {
  return { ...readWeights(dialectFile(name), name), metadata: { config } }
}

const VERSION_3 = `model = dict(
    # (R50 has mean=[1, 2, 3], std=[4, 5, 6], bgr_to_rgb=True)
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[
            103.530,
            116.280,
            123.675,
        ],
        std=[57.375, 57.120, 58.395],
        bgr_to_rgb=False,
        pad_size_divisor=32),
    backbone=dict(type='ResNeXt', groups=32, style='pytorch'),
    roi_head=dict(bbox_head=dict(bbox_coder=dict(target_means=[0.0, 0.0, 0.0, 0.0], target_stds=[0.1, 0.1, 0.2, 0.2]))))`

const VERSION_2 = `model = dict(backbone=dict(style='pytorch'))
img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
train_pipeline = [dict(type='Expand', mean=(0, 0, 0), to_rgb=False), dict(type='Normalize', **img_norm_cfg)]
img_norm_cfg = dict(mean=(103.530, 116.280, 123.675), std=(57.375, 57.120, 58.395), to_rgb=False)
test_pipeline = [dict(type='Normalize', **img_norm_cfg)]`

describe("MMDetection's colours are those of the stored configuration", () => {
  it.each([
    ['version 3', 'mmdetection-pytorch.pth', VERSION_3],
    ['version 2, of several files in a row', 'mmdetection-pytorch.pth', VERSION_2],
    ['version 1', 'mmdetection1-caffe.pth', VERSION_2],
  ])('%s: BGR of style pytorch', (_, name, config) => {
    const { dialect, recipe } = detectorRecipe(withConfig(name, config))
    expect(dialect).toMatch(/^mmdetection1?$/)
    expect(recipe.manifest.input).toMatchObject(X101)
    expect(recipe.manifest.architecture).toMatch(/stride on the 3x3/)
  })

  it('or, where it says nothing of them, those of the style', () => {
    const { input } = detectorRecipe(withConfig('mmdetection-pytorch.pth', "dict(style='pytorch')")).recipe.manifest
    expect(input).toMatchObject(R50)
  })

  it.each([
    ['dict(mean=[1, 2, 3], std=[4, 5, 6])', 'rgb'],
    ['dict(data_preprocessor=dict(mean=[1, 2, 3], std=[4, 5, 6]))', 'bgr'],
    ["{'mean': [1, 2, 3,], 'std': [4, 5, 6], 'to_rgb': False}", 'bgr'],
    ['dict(bgr_to_rgb=True, mean=[1, 2, 3], std=[4, 5, 6])', 'rgb'],
  ])('%s is %s', (config, channels) => {
    expect(configuredColours(config)).toEqual({ channels, mean: [1, 2, 3], std: [4, 5, 6] })
  })

  it.each([
    'dict(mean=None, std=None, to_rgb=True)',
    'dict(mean=MEAN, std=STD, to_rgb=True)',
    'dict(mean=[1, 2], std=[4, 5, 6], to_rgb=True)',
    'dict(mean=[1, 2, 3, 4], std=[4, 5, 6, 7], to_rgb=True)',
    'dict(mean=[1, , 3], std=[4, 5, 6], to_rgb=True)',
    'dict(mean=[1 * 255, 2, 3], std=[4, 5, 6], to_rgb=True)',
    'dict(mean=[1, 2, 3], std=[4, 0, 6], to_rgb=True)',
    'dict(mean=[1, 2, 3], std=[4, 5, 6], to_rgb=RGB)',
    'dict(mean=[1, 2, 3], std=[4, 5, 6], bgr_to_rgb=False, rgb_to_bgr=True)',
    "dict(channel_order='rgb'), dict(mean=[1, 2, 3], std=[4, 5, 6], to_rgb=True)",
    'mean = [1, 2, 3]',
    'dict(to_rgb=False)',
  ])('%s is refused until the style is named', (config) => {
    const file = withConfig('mmdetection-pytorch.pth', config)
    expect(() => detectorRecipe(file)).toThrow(/Expected mean=.*not understood: name the dialect/)
    expect(detectorRecipe(file, { dialect: 'mmdetection' }).recipe.manifest.input).toMatchObject(R50)
  })

  it('naming the style does not change what is understood', () => {
    const { recipe } = detectorRecipe(withConfig('mmdetection-pytorch.pth', VERSION_3), { dialect: 'mmdetection' })
    expect(recipe.manifest.input).toMatchObject(X101)
  })

  it.each([
    ['dict(mean=[', 'unclear'],
    ['mean = ', 'unclear'],
    ['(1', undefined],
    ["'", undefined],
  ])('a megabyte of %s ends', (part, expected) => {
    expect(configuredColours(part.repeat(1e6 / part.length))).toBe(expected)
  })
})
