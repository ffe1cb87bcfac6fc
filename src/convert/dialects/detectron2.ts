import type { ResidualDescription } from '../../architectures/residual-description.ts'
import type { InputSpec } from '../../images/input-spec.ts'
import type { Manifest } from '../../models/manifest.ts'
import { toFloat32 } from '../../weights/elements.ts'
import { invalidWeights, type WeightFile } from '../../weights/stored-tensor.ts'
import { backgroundFirst } from '../background.ts'
import { isClassAgnostic } from '../box-rows.ts'
import { type Checkpoint, checkpoint, outputsOf } from '../checkpoint.ts'
import { describeResidual, namedResidual, residualTitle } from '../describe-residual.ts'
import { c4Network, pyramidNetwork } from '../detector-networks.ts'
import { type FasterRcnnNumbers, fasterRcnnManifest, PYRAMID_ROI, pyramidAnchors } from '../faster-rcnn.ts'
import { labelsFor } from '../labels.ts'
import type { NetworkDescription, Recipe } from '../recipe.ts'
import type { Dialect, DialectOptions } from './dialect.ts'

// facebookresearch/detectron2: config/defaults.py, modeling/backbone/{resnet,fpn}.py, modeling/roi_heads/*.py.

/** The three forms of Detectron2's Faster R-CNN: what the RPN reads, and what stands behind the pooled boxes. */
type Form = 'FPN' | 'C4' | 'DC5'

/** Detectron2 drops only boxes without area. */
const NO_AREA = 1e-6

/** Faster R-CNNs of Detectron2's model zoo and of those trained with it: FPN, C4 and DC5. */
export const detectron2: Dialect = {
  name: 'detectron2',
  title: 'Detectron2 Faster R-CNN',
  matches: (names) =>
    names.has('proposal_generator.rpn_head.objectness_logits.weight') &&
    names.has('roi_heads.box_predictor.cls_score.weight'),
  recipe: detectron2Recipe,
}

function detectron2Recipe(file: WeightFile, { dialect, labels, arch, about }: DialectOptions): Recipe {
  const form = formOf(file)
  const source = checkpoint(file, (canonical) => detectron2Name(canonical, form), isCounter)
  const found = describeBackbone(source, form)
  const backbone = arch === undefined ? found : { ...namedResidual(arch, found), dilatedLast: found.dilatedLast }
  const classes = outputsOf(source, 'head.scores.weight') - 1
  const classAgnostic = isClassAgnostic(source, 'none')
  const input = inputOf(backbone, form)
  // A person who names the dialect has read the message, and sets the input of model.json.
  if (dialect === undefined) requireUsualPixels(file, input)
  return {
    weights: backgroundFirst(source.weights, classAgnostic),
    isExtra: (name) => /^roi_heads\.(mask|keypoint)_/.test(name),
    network: network(source, backbone, form),
    manifest: fasterRcnnManifest(
      {
        name: `detectron2-${form.toLowerCase()}`,
        architecture: `Faster R-CNN ${form} of Detectron2, ${residualTitle(backbone)}`,
        labels: labelsFor(classes, labels ?? file.labels),
        input,
        classAgnostic,
        minSizes: { proposals: NO_AREA, detections: NO_AREA },
        source: {
          weights: 'not stated (Detectron2)',
          licence: 'not stated (the Detectron2 model zoo: CC BY-SA 3.0)',
          citations: ['Wu et al. 2019, https://github.com/facebookresearch/detectron2'],
        },
        ...FORM_NUMBERS[form],
      },
      about,
    ),
  }
}

const ROI = { samplingRatio: 0, aligned: true } as const

const singleLevel = (feature: string): Manifest['anchors'] => ({
  ...pyramidAnchors({ rounded: false, strideRule: 'exact' }),
  levels: [{ feature, stride: 16, sizes: [32, 64, 128, 256, 512] }],
})

const FORM_NUMBERS: Readonly<Record<Form, Pick<FasterRcnnNumbers, 'anchors' | 'preNmsTopN' | 'roi'>>> = {
  FPN: {
    anchors: pyramidAnchors({ rounded: false, strideRule: 'exact' }),
    preNmsTopN: 1000,
    roi: { ...PYRAMID_ROI, outputSize: 7, ...ROI },
  },
  C4: { anchors: singleLevel('c4'), preNmsTopN: 6000, roi: { levels: ['c4'], minLevel: 4, outputSize: 14, ...ROI } },
  DC5: { anchors: singleLevel('c5'), preNmsTopN: 6000, roi: { levels: ['c5'], minLevel: 5, outputSize: 7, ...ROI } },
}

function formOf({ tensors }: WeightFile): Form {
  if (tensors.has('backbone.fpn_lateral5.weight')) return 'FPN'
  return tensors.has('roi_heads.res5.0.conv1.weight') ? 'C4' : 'DC5'
}

/** The zoo's ResNets are MSRA's, with the stride on the first 1x1; its ResNeXt has it on the 3x3. */
function describeBackbone(source: Checkpoint, form: Form): ResidualDescription {
  const found = describeResidual(source, { variant: 'v1', epsilon: 1e-5 })
  return {
    ...found,
    variant: found.groups ? 'v1.5' : 'v1',
    ...(form === 'DC5' && { dilatedLast: true }),
  }
}

function network(source: Checkpoint, backbone: ResidualDescription, form: Form): NetworkDescription {
  if (form === 'FPN') return pyramidNetwork(source, backbone, outputsOf(source, 'fpn.lateral2.weight'))
  if (form === 'C4') return c4Network(source, backbone)
  return {
    backbone,
    levels: ['c5'],
    rpnChannels: outputsOf(source, 'rpn.conv.weight'),
    roiBody: { kind: 'fc', channels: outputsOf(source, 'head.fc6.weight') },
  }
}

/** Only pyramids need sizes that can be halved five times. */
function inputOf({ groups }: ResidualDescription, form: Form): InputSpec {
  return {
    channels: 'bgr',
    mean: [103.53, 116.28, 123.675],
    std: groups ? [57.375, 57.12, 58.395] : [1, 1, 1],
    resize: { rule: 'shorter', size: 800, max: 1333, rounding: 'half-up', filter: 'antialias', output: 'uint8' },
    padMultiple: form === 'FPN' ? 32 : 1,
  }
}

/** Older files hold the constants of their input, all but the order of its channels: they may be of a backbone from elsewhere. */
function requireUsualPixels({ tensors }: WeightFile, { mean, std }: InputSpec): void {
  for (const [name, usual] of Object.entries({ pixel_mean: mean, pixel_std: std })) {
    const stored = tensors.get(name)
    const values = stored ? [...toFloat32(stored)] : usual
    if (values.length === usual.length && values.every((value, i) => Math.abs(value - (usual[i] ?? 0)) < 0.01)) continue
    throw invalidWeights(
      `${name} [${usual.join(', ')}] of BGR, as Detectron2's backbones have, but the file has ${showSome(values)}: name the dialect to ` +
        'convert it with the usual one, and set channels, mean and std of input in model.json',
    )
  }
}

function showSome(values: readonly number[]): string {
  const some = values.slice(0, 4).map((value) => String(Number(value.toPrecision(6))))
  return `[${some.join(', ')}${values.length > some.length ? ', …' : ''}]`
}

/** What older files also hold: the constants of their input and of their anchors. */
function isCounter(name: string): boolean {
  return /(^pixel_(mean|std)|\.num_batches_tracked|\.cell_anchors\.\d+)$/.test(name)
}

const FIXED: readonly (readonly [canonical: string, name: string])[] = [
  ['fpn.lateral', 'backbone.fpn_lateral'],
  ['fpn.output', 'backbone.fpn_output'],
  ['rpn.conv', 'proposal_generator.rpn_head.conv'],
  ['rpn.objectness', 'proposal_generator.rpn_head.objectness_logits'],
  ['rpn.deltas', 'proposal_generator.rpn_head.anchor_deltas'],
  ['head.fc6', 'roi_heads.box_head.fc1'],
  ['head.fc7', 'roi_heads.box_head.fc2'],
  ['head.scores', 'roi_heads.box_predictor.cls_score'],
  ['head.deltas', 'roi_heads.box_predictor.bbox_pred'],
]

function detectron2Name(canonical: string, form: Form): string {
  const prefix = form === 'FPN' ? 'backbone.bottom_up' : 'backbone'
  const name = canonical.replace('.bn.', '.norm.')
  const [, block, unit, rest] = /^backbone\.block(\d)\.unit(\d+)\.(.+)$/.exec(name) ?? []
  if (block !== undefined) {
    const trunk = form === 'C4' && block === '4' ? 'roi_heads' : prefix
    return `${trunk}.res${Number(block) + 1}.${Number(unit) - 1}.${rest}`
  }
  const [from, to] = FIXED.find(([start]) => name.startsWith(start)) ?? ['backbone.', `${prefix}.stem.`]
  return name.replace(from, to)
}
