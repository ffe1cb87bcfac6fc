import { chainerField } from '../../weights/names/chainer.ts'
import type { WeightFile } from '../../weights/stored-tensor.ts'
import { checkpoint, outputsOf } from '../checkpoint.ts'
import { describeVgg, vggTitle } from '../describe-vgg.ts'
import { vggDetectorNetwork } from '../detector-networks.ts'
import { fasterRcnnManifest, NO_CLAMP } from '../faster-rcnn.ts'
import { labelsFor } from '../labels.ts'
import type { Recipe } from '../recipe.ts'
import { deltasXFirst, oneLogit, pairedAnchors } from '../rows.ts'
import type { Dialect, DialectOptions } from './dialect.ts'

// chainer/chainercv: links/model/faster_rcnn/*.py and its utils.

/** `FasterRCNNVGG16` of ChainerCV. */
export const chainercvVgg: Dialect = {
  name: 'chainercv-vgg16',
  title: 'FasterRCNNVGG16 of ChainerCV',
  matches: (names) => names.has('extractor/conv1_1/conv/W') && names.has('head/cls_loc/W'),
  recipe: chainercvVggRecipe,
}

function chainercvVggRecipe(file: WeightFile, { labels, arch, about }: DialectOptions): Recipe {
  const source = checkpoint(file, chainerName)
  const backbone = describeVgg(source, 'ceil', arch)
  pairedAnchors(source, [9])
  const classes = outputsOf(source, 'head.scores.weight') - 1
  return {
    weights: deltasXFirst(oneLogit(source.weights, 'interleaved')),
    network: vggDetectorNetwork(source, backbone),
    manifest: fasterRcnnManifest(
      {
        name: 'chainercv-faster-rcnn-vgg16',
        architecture: `Faster R-CNN of ChainerCV, ${vggTitle(backbone)}`,
        labels: labelsFor(classes, labels ?? file.labels),
        input: {
          channels: 'rgb',
          mean: [122.7717, 115.9465, 102.9801],
          std: [1, 1, 1],
          resize: { rule: 'shorter', size: 600, max: 1000, rounding: 'floor', filter: 'bilinear', output: 'float32' },
          padMultiple: 1,
        },
        anchors: {
          levels: [{ feature: 'c4', stride: 16, sizes: [128, 256, 512] }],
          aspectRatios: [0.5, 1, 2],
          order: 'ratio-major',
          rounded: false,
          offset: 0.5,
          strideRule: 'exact',
        },
        preNmsTopN: 6000,
        roi: { levels: ['c4'], minLevel: 4, outputSize: 7, samplingRatio: 0, aligned: false, pooling: 'pool' },
        minSizes: { proposals: 16, detections: 0 },
        rpn: { postNmsTopN: 300, minSizeOf: 'photo', boxCoder: { weights: [1, 1, 1, 1], clamp: NO_CLAMP } },
        head: {
          boxCoder: { weights: [10, 10, 5, 5], clamp: NO_CLAMP },
          nms: { kind: 'per-class', iouThreshold: 0.3 },
          toPhoto: 'before-decoding',
        },
        source: {
          weights: 'not stated (ChainerCV)',
          licence: 'not stated (ChainerCV: MIT)',
          citations: ['Ren et al. 2015, arXiv:1506.01497', 'Niitani et al. 2017, arXiv:1708.08169'],
        },
      },
      about,
    ),
  }
}

const FIXED: Readonly<Record<string, string>> = {
  'rpn.conv': 'rpn/conv1',
  'rpn.objectness': 'rpn/score',
  'rpn.deltas': 'rpn/loc',
  'head.fc6': 'head/fc6',
  'head.fc7': 'head/fc7',
  'head.scores': 'head/score',
  'head.deltas': 'head/cls_loc',
}

function chainerName(canonical: string): string {
  const [, layer = canonical, field = ''] = /^(.+)\.(\w+)$/.exec(canonical) ?? []
  return `${FIXED[layer] ?? layer.replace(/^backbone\.(.+)$/, 'extractor/$1/conv')}/${chainerField(field)}`
}
