import type { WeightFile } from '../../weights/stored-tensor.ts'
import { checkpoint } from '../checkpoint.ts'
import { anchorsOnPyramid, mmdetection1Anchors } from '../older-anchors.ts'
import type { Recipe } from '../recipe.ts'
import type { Dialect, DialectOptions } from './dialect.ts'
import { isCaffeStyle, mmdetectionName, mmdetectionRecipe, type Style } from './mmdetection.ts'

// open-mmlab/mmdetection v1.0: configs/faster_rcnn_r50_fpn_1x.py, core/anchor, core/bbox/transforms.py, ops/roi_align.

const isMmdetection1 = (names: ReadonlySet<string>): boolean =>
  names.has('neck.lateral_convs.0.conv.weight') &&
  names.has('rpn_head.rpn_cls.weight') &&
  names.has('bbox_head.fc_cls.weight')

/** Faster R-CNNs with a pyramid of MMDetection 1 in caffe style, as their training configuration says. */
export const mmdetection1Caffe: Dialect = {
  name: 'mmdetection1-caffe',
  title: 'MMDetection 1 Faster R-CNN with a feature pyramid, caffe style',
  matches: (names, file) => isMmdetection1(names) && isCaffeStyle(file),
  recipe: (file, options) => mmdetection1Recipe(file, options, 'caffe'),
}

/** The same in pytorch style: background comes first there, corners name pixels, and RoIAlign includes the last one. */
export const mmdetection1: Dialect = {
  name: 'mmdetection1',
  title: 'MMDetection 1 Faster R-CNN with a feature pyramid, pytorch style',
  matches: isMmdetection1,
  recipe: (file, options) => mmdetection1Recipe(file, options, 'pytorch'),
}

function mmdetection1Recipe(file: WeightFile, options: DialectOptions, style: Style): Recipe {
  const source = checkpoint(file, (canonical) => mmdetectionName(canonical).replace(/^roi_head\./, ''))
  const recipe = mmdetectionRecipe(source, file, options, style, 'per-class')
  const { rpn, roi, head } = recipe.manifest
  return {
    ...recipe,
    weights: source.weights,
    isExtra: (name) => name.startsWith('mask_head.'),
    manifest: {
      ...recipe.manifest,
      architecture: recipe.manifest.architecture.replace('MMDetection', 'MMDetection 1'),
      anchors: anchorsOnPyramid((stride) => mmdetection1Anchors(stride, 8), 0),
      rpn: { ...rpn, minSize: 0, boxCoder: { ...rpn.boxCoder, corners: 'pixels' } },
      roi: { ...roi, samplingRatio: 2, aligned: false, corners: 'pixels', lastPixel: true },
      head: { ...head, minSize: 0, boxCoder: { ...head.boxCoder, corners: 'pixels' }, toPhoto: 'before-nms' },
    },
  }
}
