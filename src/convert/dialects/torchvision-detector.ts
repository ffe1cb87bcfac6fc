import type { Norm } from '../../architectures/layers.ts'
import type { RoiBody } from '../../architectures/roi-head.ts'
import { torchvisionResnetName } from '../../weights/names/torchvision.ts'
import { invalidWeights, type WeightFile } from '../../weights/stored-tensor.ts'
import { checkpoint, outputsOf } from '../checkpoint.ts'
import { describeResidual, namedResidual, residualTitle } from '../describe-residual.ts'
import { fasterRcnnManifest, PYRAMID_ROI, pyramidAnchors } from '../faster-rcnn.ts'
import { labelsFor } from '../labels.ts'
import type { Recipe } from '../recipe.ts'
import type { Dialect, DialectOptions } from './dialect.ts'

// torchvision/models/detection: faster_rcnn.py, rpn.py, roi_heads.py, backbone_utils.py; ops/feature_pyramid_network.py.

const EPSILON = 1e-5
const INPUT_LEVELS = 255
const COCO_IDS = 90
const COCO_KEYPOINTS = 17

/**
 * Faster R-CNNs of torchvision over `resnet_fpn_backbone`: `fasterrcnn_resnet50_fpn`, its v2, and any other that has
 * their anchors; with the key names before and since module version 2.
 *
 * Frozen batch norm has an epsilon that no file tells. The published COCO weights of v1 are used with 0, so frozen
 * layers and COCO's 90 ids, or one class with COCO's 17 keypoints (`keypointrcnn_resnet50_fpn`), mean 0 and all else 1e-5; the
 * second dialect is for a model that was trained on from those.
 */
export const torchvisionDetector: Dialect = {
  name: 'torchvision-faster-rcnn',
  title: 'torchvision Faster R-CNN with a feature pyramid',
  matches: (names) => names.has('rpn.head.cls_logits.weight') && names.has('roi_heads.box_predictor.cls_score.weight'),
  recipe: (file, options) => torchvisionRecipe(file, options),
}

export const torchvisionEpsilon0: Dialect = {
  name: 'torchvision-faster-rcnn-epsilon0',
  title: 'torchvision Faster R-CNN with a feature pyramid, epsilon 0',
  matches: () => false,
  recipe: (file, options) => torchvisionRecipe(file, options, 0),
}

function torchvisionRecipe(file: WeightFile, { labels, arch, about }: DialectOptions, epsilon?: number): Recipe {
  const names = new Set(file.tensors.keys())
  const source = checkpoint(file, (canonical) => torchvisionName(canonical, names))
  const { shape, weights } = source
  const classes = outputsOf(source, 'head.scores.weight') - 1
  const isFrozen = !names.has('backbone.body.bn1.num_batches_tracked')
  const hasPersons = classes === 1 && keypointsOf(file) === COCO_KEYPOINTS
  const found = describeResidual(source, {
    variant: 'v1.5',
    epsilon: epsilon ?? (isFrozen && (classes === COCO_IDS || hasPersons) ? 0 : EPSILON),
  })
  const backbone = arch === undefined ? found : namedResidual(arch, found)
  const anchors = outputsOf(source, 'rpn.objectness.weight')
  if (!shape('fpn.lateral5.weight') || anchors !== 3) {
    throw invalidWeights(
      `a pyramid over four levels with 3 anchors a cell, as fasterrcnn_resnet50_fpn has, but received ${anchors} anchors and ` +
        `${shape('fpn.lateral5.weight') ? 'four' : 'fewer'} levels`,
    )
  }
  const channels = outputsOf(source, 'fpn.lateral2.weight')
  const norm: Norm = { kind: 'batch', epsilon: EPSILON }
  const hasNorm = shape('fpn.lateral2.bn.weight') !== undefined
  const mean = [0.485 * INPUT_LEVELS, 0.456 * INPUT_LEVELS, 0.406 * INPUT_LEVELS] as const
  const std = [0.229 * INPUT_LEVELS, 0.224 * INPUT_LEVELS, 0.225 * INPUT_LEVELS] as const
  return {
    weights,
    isExtra: (name) => /^roi_heads\.(mask|keypoint)_/.test(name),
    network: {
      backbone,
      levels: ['c2', 'c3', 'c4', 'c5'],
      pyramid: { channels, extraLevel: true, ...(hasNorm && { norm }) },
      rpnChannels: outputsOf(source, 'rpn.conv.weight'),
      rpnConvolutions: countLayers((i) => shape(i === 1 ? 'rpn.conv.weight' : `rpn.conv${i}.weight`)),
      roiBody: roiBody(
        outputsOf(source, 'head.fc6.weight'),
        norm,
        countLayers((i) => shape(`head.conv${i}.weight`)),
      ),
    },
    manifest: fasterRcnnManifest(
      {
        name: 'torchvision-faster-rcnn',
        architecture: `Faster R-CNN of torchvision, ${residualTitle(backbone)}, feature pyramid of ${channels} channels`,
        labels: labelsFor(classes, labels ?? file.labels ?? (hasPersons ? ['person'] : undefined)),
        input: {
          channels: 'rgb',
          mean,
          std,
          resize: { rule: 'shorter', size: 800, max: 1333, rounding: 'floor', filter: 'bilinear', output: 'float32' },
          padMultiple: 32,
        },
        anchors: pyramidAnchors({ rounded: true, strideRule: 'from-grid' }),
        preNmsTopN: 1000,
        roi: { ...PYRAMID_ROI, outputSize: 7, samplingRatio: 2, aligned: false },
        minSizes: { proposals: 1e-3, detections: 1e-2 },
        source: {
          weights: 'not stated (torchvision)',
          licence: 'not stated (torchvision: BSD-3-Clause; COCO and ImageNet have terms of their own)',
          citations: ['Ren et al. 2015, arXiv:1506.01497', 'Lin et al. 2017, arXiv:1612.03144'],
        },
      },
      about,
    ),
  }
}

/** The outputs of the keypoint head, a transposed convolution: inputs x outputs x height x width. */
function keypointsOf({ tensors }: WeightFile): number | undefined {
  return tensors.get('roi_heads.keypoint_predictor.kps_score_lowres.weight')?.shape[1]
}

function roiBody(channels: number, norm: Norm, convolutions: number): RoiBody {
  return convolutions === 0 ? { kind: 'fc', channels } : { kind: 'convolutions', count: convolutions, norm, channels }
}

function countLayers(shapeOf: (index: number) => unknown): number {
  let count = 0
  while (shapeOf(count + 1)) count++
  return count
}

const FIXED: Readonly<Record<string, string>> = {
  'rpn.objectness': 'rpn.head.cls_logits',
  'rpn.deltas': 'rpn.head.bbox_pred',
  'head.scores': 'roi_heads.box_predictor.cls_score',
  'head.deltas': 'roi_heads.box_predictor.bbox_pred',
}

/** The name in a file that has these names; the old key names are those without the index inside a layer. */
function torchvisionName(canonical: string, names: ReadonlySet<string>): string {
  if (canonical.startsWith('backbone.')) return `backbone.body.${torchvisionResnetName(canonical)}`
  const [, layer = '', norm, field] = /^(.+?)\.(bn\.)?(\w+)$/.exec(canonical) ?? []
  const inside = norm ? 1 : 0
  const fixed = FIXED[layer]
  if (fixed !== undefined) return `${fixed}.${field}`
  const [, part, level] = /^fpn\.(lateral|output)(\d)$/.exec(layer) ?? []
  if (part !== undefined) {
    const block = `backbone.fpn.${part === 'lateral' ? 'inner' : 'layer'}_blocks.${Number(level) - 2}`
    return !norm && names.has(`${block}.weight`) ? `${block}.${field}` : `${block}.${inside}.${field}`
  }
  const [, rpn] = /^rpn\.conv(\d?)$/.exec(layer) ?? []
  if (rpn !== undefined) {
    const isOld = names.has('rpn.head.conv.weight')
    return isOld && rpn === '' ? `rpn.head.conv.${field}` : `rpn.head.conv.${Number(rpn || 1) - 1}.0.${field}`
  }
  const [, convolution] = /^head\.conv(\d)$/.exec(layer) ?? []
  if (convolution !== undefined) return `roi_heads.box_head.${Number(convolution) - 1}.${inside}.${field}`
  // In v2's sequence the fully connected layer stands last, after its convolutions and a flatten.
  if (layer === 'head.fc6' && !names.has('roi_heads.box_head.fc6.weight')) {
    const last = countLayers((i) => names.has(`roi_heads.box_head.${i - 1}.0.weight`)) + 1
    return `roi_heads.box_head.${last}.${field}`
  }
  return canonical.replace('head.', 'roi_heads.box_head.')
}
