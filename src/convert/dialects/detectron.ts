import type { ResidualDescription } from '../../architectures/residual-description.ts'
import { LOG_1000_16 } from '../../boxes/coder.ts'
import { invalidWeights, type WeightFile } from '../../weights/stored-tensor.ts'
import type { Weights } from '../../weights/weights.ts'
import { isClassAgnostic, lastBox } from '../box-rows.ts'
import { type Checkpoint, checkpoint, outputsOf } from '../checkpoint.ts'
import { biasesInNorms } from '../conv-biases.ts'
import { describeResidual, namedResidual, residualTitle } from '../describe-residual.ts'
import { c4Network, pyramidNetwork } from '../detector-networks.ts'
import { CAFFE_MEAN_BGR, type FasterRcnnNumbers, fasterRcnnManifest, PYRAMID_ROI } from '../faster-rcnn.ts'
import { labelsFor } from '../labels.ts'
import { anchorsOnPyramid, caffeAnchors, caffeAnchorsOnC4 } from '../older-anchors.ts'
import type { NetworkDescription, Recipe } from '../recipe.ts'
import type { Dialect, DialectOptions } from './dialect.ts'

// facebookresearch/Detectron (Caffe2): detectron/core/{config,test}.py, modeling/{FPN,ResNet,fast_rcnn_heads,rpn_heads}.py,
// utils/boxes.py; configs/12_2017_baselines/e2e_faster_rcnn_*.yaml.

/** The two forms of its ResNet Faster R-CNNs: what the RPN reads, and what stands behind the pooled boxes. */
type Form = 'FPN' | 'C4'

/** Faster R-CNNs of Caffe2's Detectron: background first, corners name pixels. */
export const detectron: Dialect = {
  name: 'detectron',
  title: 'Detectron (Caffe2) Faster R-CNN',
  matches: (names) => names.has('cls_score_w') && names.has('res2_0_branch2a_w'),
  recipe: detectronRecipe,
}

function detectronRecipe(file: WeightFile, { labels, arch, about }: DialectOptions): Recipe {
  const form = formOf(file)
  const last = lastUnits(file)
  const source = checkpoint(file, (canonical) => detectronName(canonical, last, form), isCounter)
  const described = describeResidual(source, { variant: 'v1', epsilon: 0 })
  const found = { ...described, variant: described.groups ? ('v1.5' as const) : ('v1' as const) }
  const backbone = arch === undefined ? found : namedResidual(arch, found)
  const classes = outputsOf(source, 'head.scores.weight') - 1
  const classAgnostic = isClassAgnostic(source, 'always')
  return {
    weights: biasesInNorms(affineAsNorm(classAgnostic ? lastBox(source) : source.weights)),
    isExtra: (name) => /^(_\[mask\]|mask_fcn|conv5_mask|kps_|conv_fcn)/.test(name),
    network: network(source, backbone, form),
    manifest: fasterRcnnManifest(
      {
        name: 'detectron-faster-rcnn',
        architecture: `Faster R-CNN ${form} of Detectron, ${residualTitle(backbone)}`,
        labels: labelsFor(classes, labels ?? file.labels),
        input: {
          channels: 'bgr',
          mean: CAFFE_MEAN_BGR,
          std: [1, 1, 1],
          resize: {
            rule: 'shorter',
            size: 800,
            max: 1333,
            rounding: 'nearest',
            filter: 'bilinear',
            output: 'float32',
            scale: 'rule',
          },
          padMultiple: form === 'FPN' ? 32 : 1,
        },
        ...FORM_NUMBERS[form],
        classAgnostic,
        minSizes: { proposals: 0, detections: 0 },
        // Its im_info is the size of the padded blob.
        rpn: { boxCoder: { weights: [1, 1, 1, 1], clamp: LOG_1000_16, corners: 'pixels' }, clipTo: 'padded' },
        head: {
          boxCoder: { weights: [10, 10, 5, 5], clamp: LOG_1000_16, corners: 'pixels' },
          toPhoto: 'before-decoding',
        },
        source: {
          weights: 'not stated (Detectron)',
          licence: 'not stated (the Detectron model zoo: CC BY-SA 3.0)',
          citations: ['Girshick et al. 2018, https://github.com/facebookresearch/detectron'],
        },
      },
      about,
    ),
  }
}

const FORM_NUMBERS: Readonly<Record<Form, Pick<FasterRcnnNumbers, 'anchors' | 'preNmsTopN' | 'roi'>>> = {
  FPN: {
    anchors: anchorsOnPyramid((stride) => caffeAnchors(stride, [8]), 0),
    preNmsTopN: 1000,
    roi: { ...PYRAMID_ROI, outputSize: 7, samplingRatio: 2, aligned: false, corners: 'pixels' },
  },
  C4: {
    anchors: caffeAnchorsOnC4([2, 4, 8, 16, 32]),
    preNmsTopN: 6000,
    roi: { levels: ['c4'], minLevel: 4, outputSize: 14, samplingRatio: 0, aligned: false, corners: 'pixels' },
  },
}

function formOf({ tensors }: WeightFile): Form {
  if (tensors.has('conv_rpn_fpn2_w')) return 'FPN'
  if (tensors.has('conv_rpn_w') && !tensors.has('fc6_w')) return 'C4'
  const forms = 'with a feature pyramid (conv_rpn_fpn2_w) or of the C4 form (conv_rpn_w, without fc6_w)'
  throw invalidWeights(`a Detectron model with an RPN, ${forms}`)
}

function network(source: Checkpoint, backbone: ResidualDescription, form: Form): NetworkDescription {
  if (form === 'FPN') return pyramidNetwork(source, backbone, outputsOf(source, 'fpn.lateral2.weight'))
  return c4Network(source, backbone)
}

/** Detectron's normalisation is a scale and a shift: a batch norm of mean 0, variance 1 and epsilon 0. */
function affineAsNorm(source: Weights): Weights {
  return {
    ...source,
    tensor(name, shape) {
      if (name.endsWith('.bn.running_var')) return new Float32Array(shape[0] ?? 0).fill(1)
      return name.endsWith('.bn.running_mean') ? new Float32Array(shape[0] ?? 0) : source.tensor(name, shape)
    },
  }
}

/** The index of the last unit of each stage, which the pyramid's layers are named after. */
function lastUnits({ tensors }: WeightFile): readonly number[] {
  return [2, 3, 4, 5].map((stage) => {
    let unit = 0
    while (tensors.has(`res${stage}_${unit + 1}_branch2a_w`)) unit++
    return unit
  })
}

/** The ImageNet classifier that training started from, and what else is no weight of the detector. */
function isCounter(name: string): boolean {
  return /^(pred_[wb]|fc1000_[wb]|lr|model_iter)$/.test(name)
}

const FIXED: Readonly<Record<string, string>> = {
  'rpn.conv': 'conv_rpn_fpn2',
  'rpn.objectness': 'rpn_cls_logits_fpn2',
  'rpn.deltas': 'rpn_bbox_pred_fpn2',
  'head.fc6': 'fc6',
  'head.fc7': 'fc7',
  'head.scores': 'cls_score',
  'head.deltas': 'bbox_pred',
}

function detectronName(canonical: string, lastUnit: readonly number[], form: Form): string {
  const [, layer = '', norm, field] = /^(.+?)\.(bn\.)?(\w+)$/.exec(canonical) ?? []
  const suffix = norm ? `bn_${field === 'weight' ? 's' : 'b'}` : field === 'weight' ? 'w' : 'b'
  const [, block, unit, part, index] = /^backbone\.block(\d)\.unit(\d+)\.(conv|shortcut)(\d?)$/.exec(layer) ?? []
  if (block !== undefined) {
    const branch = part === 'shortcut' ? 'branch1' : `branch2${String.fromCharCode(96 + Number(index))}`
    return `res${Number(block) + 1}_${Number(unit) - 1}_${branch}_${suffix}`
  }
  if (layer === 'backbone.conv1') return norm ? `res_conv1_${suffix}` : `conv1_${suffix}`
  const [, kind, level] = /^fpn\.(lateral|output)(\d)$/.exec(layer) ?? []
  if (kind === undefined) {
    const fixed = FIXED[layer] ?? layer
    return `${form === 'C4' ? fixed.replace(/_fpn2$/, '') : fixed}_${suffix}`
  }
  const sum = `res${level}_${lastUnit[Number(level) - 2]}_sum`
  if (kind === 'output') return `fpn_${sum}_${suffix}`
  return `fpn_inner_${sum}${level === '5' ? '' : '_lateral'}_${suffix}`
}
