import type { InputSpec } from '../../images/input-spec.ts'
import { torchvisionResnetName } from '../../weights/names/torchvision.ts'
import { invalidWeights, type WeightFile } from '../../weights/stored-tensor.ts'
import { backgroundFirst } from '../background.ts'
import { type BackgroundRows, isClassAgnostic } from '../box-rows.ts'
import { type Checkpoint, checkpoint, outputsOf } from '../checkpoint.ts'
import { describeResidual, namedResidual, residualTitle } from '../describe-residual.ts'
import { pyramidNetwork } from '../detector-networks.ts'
import { fasterRcnnManifest, PYRAMID_ROI, pyramidAnchors } from '../faster-rcnn.ts'
import { labelsFor } from '../labels.ts'
import type { Recipe } from '../recipe.ts'
import type { Dialect, DialectOptions } from './dialect.ts'
import { configuredColours } from './mmdetection-colours.ts'
import { configCode, isCaffeStyled } from './mmdetection-config.ts'
import { unusualNumbers } from './mmdetection-numbers.ts'

// open-mmlab/mmdetection: configs/_base_/models/faster-rcnn_r50_fpn.py and faster-rcnn_r50-caffe_fpn.

/** Whose ResNet it is: PyTorch's has the stride on the 3x3 and mostly takes RGB, Caffe's has it on the 1x1 and takes BGR. */
export type Style = 'pytorch' | 'caffe'

/** Sides that are not above 0 are dropped. */
const NO_AREA = 1e-6

const isMmdetection = (names: ReadonlySet<string>): boolean =>
  names.has('neck.lateral_convs.0.conv.weight') &&
  names.has('rpn_head.rpn_cls.weight') &&
  names.has('roi_head.bbox_head.fc_cls.weight')

/** Faster R-CNNs with a pyramid of MMDetection 2 and 3 whose training configuration, kept in the file, says style caffe. */
export const mmdetectionCaffe: Dialect = {
  name: 'mmdetection-caffe',
  title: 'MMDetection Faster R-CNN with a feature pyramid, caffe style',
  matches: (names, file) => isMmdetection(names) && isCaffeStyle(file),
  recipe: (file, options) => mmdetection2Recipe(file, options, 'caffe'),
}

export const mmdetection: Dialect = {
  name: 'mmdetection',
  title: 'MMDetection Faster R-CNN with a feature pyramid, pytorch style',
  matches: isMmdetection,
  recipe: (file, options) => mmdetection2Recipe(file, options, 'pytorch'),
}

/** Whether the training configuration, kept in the file, says so. */
export function isCaffeStyle({ metadata }: WeightFile): boolean {
  return isCaffeStyled(configCode(metadata.config))
}

function mmdetection2Recipe(file: WeightFile, options: DialectOptions, style: Style): Recipe {
  const source = checkpoint(file, mmdetectionName)
  const recipe = mmdetectionRecipe(source, file, options, style, 'none')
  return { ...recipe, weights: backgroundFirst(source.weights, recipe.manifest.head.classAgnostic) }
}

/** What all versions share; the weights are as they are in the file. */
export function mmdetectionRecipe(
  source: Checkpoint,
  file: WeightFile,
  { dialect, labels, arch, about }: DialectOptions,
  style: Style,
  background: BackgroundRows,
): Recipe {
  if (dialect === undefined) requireUsualNumbers(file)
  const found = describeResidual(source, { variant: style === 'caffe' ? 'v1' : 'v1.5', epsilon: 1e-5 })
  const backbone = arch === undefined ? found : namedResidual(arch, found)
  const classes = outputsOf(source, 'head.scores.weight') - 1
  const channels = outputsOf(source, 'fpn.lateral2.weight')
  return {
    weights: source.weights,
    isExtra: (name) => /^roi_head\.mask_/.test(name),
    network: pyramidNetwork(source, backbone, channels),
    manifest: fasterRcnnManifest(
      {
        name: `mmdetection-faster-rcnn`,
        architecture: `Faster R-CNN of MMDetection, ${residualTitle(backbone)}, feature pyramid of ${channels} channels`,
        labels: labelsFor(classes, labels ?? file.labels),
        input: {
          ...coloursOf(file, style, dialect !== undefined),
          resize: { rule: 'shorter', size: 800, max: 1333, rounding: 'half-up', filter: 'bilinear', output: 'uint8' },
          padMultiple: 32,
        },
        anchors: pyramidAnchors({ rounded: false, strideRule: 'exact' }),
        preNmsTopN: 1000,
        classAgnostic: isClassAgnostic(source, background),
        roi: { ...PYRAMID_ROI, outputSize: 7, samplingRatio: 0, aligned: true },
        minSizes: { proposals: NO_AREA, detections: NO_AREA },
        source: {
          weights: 'not stated (MMDetection)',
          licence: 'not stated (MMDetection: Apache-2.0)',
          citations: ['Chen et al. 2019, arXiv:1906.07155'],
        },
      },
      about,
    ),
  }
}

/** A person who names the dialect has read the message, and changes what differs in model.json. */
function requireUsualNumbers({ metadata }: WeightFile): void {
  const unusual = unusualNumbers(metadata.config)
  if (!unusual) return
  throw invalidWeights(
    `${unusual.key}=${unusual.usual}, as in MMDetection's Faster R-CNNs, in the training configuration in the file but it has others: ` +
      'name the dialect to convert it with the usual ones, and change them in model.json',
  )
}

const STYLE_COLOURS: Readonly<Record<Style, Pick<InputSpec, 'channels' | 'mean' | 'std'>>> = {
  pytorch: { channels: 'rgb', mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] },
  caffe: { channels: 'bgr', mean: [103.53, 116.28, 123.675], std: [1, 1, 1] },
}

/** What the training configuration says, else those of the style; where it is unclear the person must name the style. */
function coloursOf({ metadata }: WeightFile, style: Style, isNamed: boolean): (typeof STYLE_COLOURS)[Style] {
  const stated = configuredColours(metadata.config)
  if (stated !== undefined && stated !== 'unclear') return stated
  if (stated === undefined || isNamed) return STYLE_COLOURS[style]
  throw invalidWeights(
    'mean=[…], std=[…] and to_rgb=True or False (bgr_to_rgb) of three numbers each in one dict of the training configuration in the ' +
      'file, but what it says of colours is not understood: name the dialect for the colours of its style',
  )
}

const FIXED: Readonly<Record<string, string>> = {
  'rpn.conv': 'rpn_head.rpn_conv',
  'rpn.objectness': 'rpn_head.rpn_cls',
  'rpn.deltas': 'rpn_head.rpn_reg',
  'head.fc6': 'roi_head.bbox_head.shared_fcs.0',
  'head.fc7': 'roi_head.bbox_head.shared_fcs.1',
  'head.scores': 'roi_head.bbox_head.fc_cls',
  'head.deltas': 'roi_head.bbox_head.fc_reg',
}

/** The name in MMDetection 2 and 3 for the library's own. */
export function mmdetectionName(canonical: string): string {
  if (canonical.startsWith('backbone.')) return `backbone.${torchvisionResnetName(canonical)}`
  const [, layer = '', field] = /^(.+)\.(\w+)$/.exec(canonical) ?? []
  const [, part, level] = /^fpn\.(lateral|output)(\d)$/.exec(layer) ?? []
  if (part === undefined) return `${FIXED[layer] ?? layer}.${field}`
  return `neck.${part === 'lateral' ? 'lateral' : 'fpn'}_convs.${Number(level) - 2}.conv.${field}`
}
