import { vgg } from '../../architectures/vgg.ts'
import { describe } from '../../errors.ts'
import type { Manifest } from '../../models/manifest.ts'
import { torchvisionResnetName, torchvisionVggName } from '../../weights/names/torchvision.ts'
import { invalidWeights, type WeightFile } from '../../weights/stored-tensor.ts'
import { isClassAgnostic } from '../box-rows.ts'
import { type Checkpoint, checkpoint, outputsOf } from '../checkpoint.ts'
import { describeResidual, namedResidual, residualTitle } from '../describe-residual.ts'
import { describeVgg, vggTitle } from '../describe-vgg.ts'
import { c4Network, vggDetectorNetwork } from '../detector-networks.ts'
import { CAFFE_INPUT, fasterRcnnManifest, NO_CLAMP } from '../faster-rcnn.ts'
import { labelsFor } from '../labels.ts'
import { caffeAnchorsOnC4 } from '../older-anchors.ts'
import type { NetworkDescription, Recipe } from '../recipe.ts'
import { oneLogit, pairedAnchors } from '../rows.ts'
import type { Dialect, DialectOptions } from './dialect.ts'

// jwyang/faster-rcnn.pytorch: lib/model/faster_rcnn/*.py, rpn/*.py, roi_align/src/*, utils/config.py, cfgs/*.yml, test_net.py.

/** Faster R-CNNs over a ResNet or VGG-16 of faster-rcnn.pytorch, of its POOLING_MODE align or pool. */
export const fasterRcnnPytorch: Dialect = {
  name: 'faster-rcnn-pytorch',
  title: 'Faster R-CNN of jwyang/faster-rcnn.pytorch',
  matches: (names) => names.has('RCNN_rpn.RPN_cls_score.weight') && names.has('RCNN_cls_score.weight'),
  recipe: fasterRcnnPytorchRecipe,
}

/** Anchors a cell, and their scales: those of VOC and of COCO. */
const SCALES: ReadonlyMap<number, readonly number[]> = new Map([
  [9, [8, 16, 32]],
  [12, [4, 8, 16, 32]],
])

function fasterRcnnPytorchRecipe(file: WeightFile, { labels, arch, about }: DialectOptions): Recipe {
  const isResidual = file.tensors.has('RCNN_top.0.0.conv1.weight')
  const source = checkpoint(file, isResidual ? residualName : vggName)
  const { network, title } = isResidual ? residualNetwork(source, arch) : vggNetwork(source, arch)
  const scales = SCALES.get(pairedAnchors(source, [...SCALES.keys()])) ?? []
  const classes = outputsOf(source, 'head.scores.weight') - 1
  const classAgnostic = isClassAgnostic(source, 'per-class')
  return {
    weights: oneLogit(source.weights, 'halves'),
    network,
    manifest: fasterRcnnManifest(
      {
        name: 'faster-rcnn-pytorch',
        architecture: `Faster R-CNN of faster-rcnn.pytorch, ${title}`,
        labels: labelsFor(classes, labels ?? file.labels),
        input: CAFFE_INPUT,
        anchors: caffeAnchorsOnC4(scales),
        preNmsTopN: 6000,
        classAgnostic,
        roi: {
          levels: ['c4'],
          minLevel: 4,
          outputSize: 7,
          aligned: false,
          corners: 'pixels-caffe',
          ...poolingOf(file),
        },
        minSizes: { proposals: 0, detections: 0 },
        rpn: { postNmsTopN: 300, boxCoder: { weights: [1, 1, 1, 1], clamp: NO_CLAMP, corners: 'pixels-caffe' } },
        head: {
          boxCoder: { weights: [10, 10, 5, 5], clamp: NO_CLAMP, corners: 'pixels-caffe' },
          nms: { kind: 'per-class', iouThreshold: 0.3 },
          toPhoto: 'before-nms',
        },
        source: {
          weights: 'not stated (faster-rcnn.pytorch)',
          licence: 'not stated (faster-rcnn.pytorch: MIT)',
          citations: [
            'Ren et al. 2015, arXiv:1506.01497',
            'Yang et al. 2017, https://github.com/jwyang/faster-rcnn.pytorch',
          ],
        },
      },
      about,
    ),
  }
}

/** As the file says; its demos and tests set align where it says nothing. */
function poolingOf({ metadata }: WeightFile): Pick<Manifest['roi'], 'pooling' | 'samplingRatio'> {
  const { pooling_mode = 'align' } = metadata
  if (pooling_mode === 'align') return { pooling: 'bin-corners', samplingRatio: 1 }
  if (pooling_mode === 'pool') return { pooling: 'pool', samplingRatio: 0 }
  throw invalidWeights(`pooling_mode "align" or "pool" in the checkpoint but received ${describe(pooling_mode)}`)
}

interface Described {
  readonly network: NetworkDescription
  readonly title: string
}

/** The last stage is the body of the head, as in Detectron2's C4, here on maps of 7 x 7. */
function residualNetwork(source: Checkpoint, arch: string | undefined): Described {
  // Caffe's pool of the stem: no padding, and one cell more where the last window is cut.
  const found = { ...describeResidual(source, { variant: 'v1', epsilon: 1e-5 }), stemPool: 'end' as const }
  const backbone = arch === undefined ? found : namedResidual(arch, found)
  return { network: c4Network(source, backbone), title: residualTitle(backbone) }
}

function vggNetwork(source: Checkpoint, arch: string | undefined): Described {
  const backbone = describeVgg(source, 'floor', arch)
  return { network: vggDetectorNetwork(source, backbone), title: vggTitle(backbone) }
}

const FIXED: Readonly<Record<string, string>> = {
  'rpn.conv': 'RCNN_rpn.RPN_Conv',
  'rpn.objectness': 'RCNN_rpn.RPN_cls_score',
  'rpn.deltas': 'RCNN_rpn.RPN_bbox_pred',
  'head.fc6': 'RCNN_top.0',
  'head.fc7': 'RCNN_top.3',
  'head.scores': 'RCNN_cls_score',
  'head.deltas': 'RCNN_bbox_pred',
}

const VGG16 = vgg(16).convolutions

function headName(canonical: string): string | undefined {
  const [, layer = '', field] = /^(.+)\.(\w+)$/.exec(canonical) ?? []
  const fixed = FIXED[layer]
  return fixed === undefined ? undefined : `${fixed}.${field}`
}

/** The indices of its Sequential: conv1, bn1, ReLU, pool, then three stages. */
function residualName(canonical: string): string {
  const name = torchvisionResnetName(canonical)
    .replace(/^conv1\./, 'RCNN_base.0.')
    .replace(/^bn1\./, 'RCNN_base.1.')
    .replace(/^layer4\./, 'RCNN_top.0.')
    .replace(/^layer(\d)\./, (_, stage: string) => `RCNN_base.${Number(stage) + 3}.`)
  return headName(canonical) ?? name
}

function vggName(canonical: string): string {
  return headName(canonical) ?? torchvisionVggName(canonical, VGG16).replace('features.', 'RCNN_base.')
}
