import { caffeTensors } from '../../weights/names/caffe.ts'
import type { WeightFile } from '../../weights/stored-tensor.ts'
import { checkpoint, outputsOf } from '../checkpoint.ts'
import { describeVgg, vggTitle } from '../describe-vgg.ts'
import { vggDetectorNetwork } from '../detector-networks.ts'
import { CAFFE_INPUT, fasterRcnnManifest, NO_CLAMP } from '../faster-rcnn.ts'
import { labelsFor } from '../labels.ts'
import { caffeAnchorsOnC4 } from '../older-anchors.ts'
import type { Recipe } from '../recipe.ts'
import { oneLogit, pairedAnchors } from '../rows.ts'
import type { Dialect, DialectOptions } from './dialect.ts'

// rbgirshick/py-faster-rcnn: models/pascal_voc/VGG16, lib/rpn/*.py, lib/fast_rcnn/{config,test,train}.py.

/** VGG-16 Faster R-CNNs of py-faster-rcnn as a `.caffemodel`, whose box layer has its normalisation folded in already. */
export const pyFasterRcnn: Dialect = {
  name: 'py-faster-rcnn',
  title: 'Faster R-CNN of rbgirshick/py-faster-rcnn',
  matches: (names) => names.has('rpn_cls_score.0') && names.has('bbox_pred.0') && names.has('conv1_1.0'),
  recipe: pyFasterRcnnRecipe,
}

function pyFasterRcnnRecipe(file: WeightFile, { labels, arch, about }: DialectOptions): Recipe {
  const source = checkpoint(caffeTensors(file), caffeName)
  const backbone = describeVgg(source, 'ceil', arch)
  pairedAnchors(source, [9])
  const classes = outputsOf(source, 'head.scores.weight') - 1
  return {
    weights: oneLogit(source.weights, 'halves'),
    network: vggDetectorNetwork(source, backbone),
    manifest: fasterRcnnManifest(
      {
        name: 'py-faster-rcnn',
        architecture: `Faster R-CNN of py-faster-rcnn, ${vggTitle(backbone)}`,
        labels: labelsFor(classes, labels ?? file.labels),
        input: CAFFE_INPUT,
        anchors: caffeAnchorsOnC4([8, 16, 32]),
        preNmsTopN: 6000,
        roi: {
          levels: ['c4'],
          minLevel: 4,
          outputSize: 7,
          samplingRatio: 0,
          aligned: false,
          corners: 'pixels-caffe',
          pooling: 'pool',
        },
        minSizes: { proposals: 16, detections: 0 },
        rpn: {
          postNmsTopN: 300,
          minSizeOf: 'photo',
          boxCoder: { weights: [1, 1, 1, 1], clamp: NO_CLAMP, corners: 'pixels-caffe' },
        },
        head: {
          boxCoder: { weights: [1, 1, 1, 1], clamp: NO_CLAMP, corners: 'pixels-caffe' },
          nms: { kind: 'per-class', iouThreshold: 0.3 },
          toPhoto: 'before-decoding',
        },
        source: {
          weights: 'not stated (py-faster-rcnn)',
          licence: 'not stated (py-faster-rcnn: MIT)',
          citations: ['Ren et al. 2015, arXiv:1506.01497'],
        },
      },
      about,
    ),
  }
}

const FIXED: Readonly<Record<string, string>> = {
  'rpn.conv': 'rpn_conv/3x3',
  'rpn.objectness': 'rpn_cls_score',
  'rpn.deltas': 'rpn_bbox_pred',
  'head.fc6': 'fc6',
  'head.fc7': 'fc7',
  'head.scores': 'cls_score',
  'head.deltas': 'bbox_pred',
}

/** Blob 0 of a layer is its kernel, 1 its bias. */
function caffeName(canonical: string): string {
  const [, layer = canonical, field] = /^(.+)\.(\w+)$/.exec(canonical) ?? []
  return `${FIXED[layer] ?? layer.replace('backbone.', '')}.${field === 'weight' ? 0 : 1}`
}
