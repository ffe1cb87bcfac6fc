import { CHAINER_EPSILON, chainerField, chainerResnetName, isChainerCounter } from '../../weights/names/chainer.ts'
import type { WeightFile } from '../../weights/stored-tensor.ts'
import { checkpoint, outputsOf } from '../checkpoint.ts'
import { biasesInNorms } from '../conv-biases.ts'
import { describeResidual, namedResidual, residualTitle } from '../describe-residual.ts'
import { pyramidNetwork } from '../detector-networks.ts'
import { fasterRcnnManifest, PYRAMID_ROI } from '../faster-rcnn.ts'
import { labelsFor } from '../labels.ts'
import { anchorsOnPyramid, chainerPyramidAnchors } from '../older-anchors.ts'
import type { Recipe } from '../recipe.ts'
import { deltasXFirst } from '../rows.ts'
import type { Dialect, DialectOptions } from './dialect.ts'

// chainer/chainercv: links/model/fpn/*.py, links/model/resnet/*.py.

/** Sides that are not above 0 are dropped. */
const NO_AREA = 1e-6

/** `FasterRCNNFPNResNet50` and 101 of ChainerCV. */
export const chainercvFpn: Dialect = {
  name: 'chainercv-fpn',
  title: 'FasterRCNNFPNResNet of ChainerCV',
  matches: (names) => names.has('extractor/base/conv1/conv/W') && names.has('rpn/conf/W'),
  recipe: chainercvFpnRecipe,
}

function chainercvFpnRecipe(file: WeightFile, { labels, arch, about }: DialectOptions): Recipe {
  // Called head until masks came.
  const head = file.tensors.has('head/conf/W') ? 'head' : 'bbox_head'
  const source = checkpoint(file, (canonical) => chainerName(canonical, head), isChainerCounter)
  const found = describeResidual(source, { variant: 'v1', epsilon: CHAINER_EPSILON })
  const backbone = arch === undefined ? found : namedResidual(arch, found)
  const classes = outputsOf(source, 'head.scores.weight') - 1
  const channels = outputsOf(source, 'fpn.lateral2.weight')
  return {
    weights: deltasXFirst(biasesInNorms(source.weights)),
    isExtra: (name) => name.startsWith('mask_head/'),
    network: pyramidNetwork(source, backbone, channels),
    manifest: fasterRcnnManifest(
      {
        name: 'chainercv-faster-rcnn-fpn',
        architecture: `Faster R-CNN of ChainerCV, ${residualTitle(backbone)}, feature pyramid of ${channels} channels`,
        labels: labelsFor(classes, labels ?? file.labels),
        input: {
          channels: 'rgb',
          mean: [123.15163084, 115.90288257, 103.0626238],
          std: [1, 1, 1],
          resize: { rule: 'shorter', size: 800, max: 1333, rounding: 'floor', filter: 'bilinear', output: 'float32' },
          padMultiple: 32,
        },
        anchors: anchorsOnPyramid(chainerPyramidAnchors, 0.5),
        preNmsTopN: 1000,
        roi: { ...PYRAMID_ROI, outputSize: 7, samplingRatio: 2, aligned: false },
        minSizes: { proposals: NO_AREA, detections: 0 },
        rpn: { clipTo: 'padded' },
        head: { toPhoto: 'before-decoding' },
        source: {
          weights: 'not stated (ChainerCV)',
          licence: 'not stated (ChainerCV: MIT)',
          citations: ['Lin et al. 2017, arXiv:1612.03144', 'Niitani et al. 2017, arXiv:1708.08169'],
        },
      },
      about,
    ),
  }
}

const FIXED: Readonly<Record<string, string>> = {
  'rpn.conv': 'rpn/conv',
  'rpn.objectness': 'rpn/conf',
  'rpn.deltas': 'rpn/loc',
  'head.fc6': '/fc1',
  'head.fc7': '/fc2',
  'head.scores': '/conf',
  'head.deltas': '/loc',
}

function chainerName(canonical: string, head: string): string {
  if (canonical.startsWith('backbone.')) return `extractor/base/${chainerResnetName(canonical)}`
  const [, layer = '', field = ''] = /^(.+)\.(\w+)$/.exec(canonical) ?? []
  const [, part, level] = /^fpn\.(lateral|output)(\d)$/.exec(layer) ?? []
  const place = part && `extractor/${part === 'lateral' ? 'inner' : 'outer'}/${Number(level) - 2}`
  return `${(place ?? FIXED[layer] ?? layer).replace(/^\//, `${head}/`)}/${chainerField(field)}`
}
