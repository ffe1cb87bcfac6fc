import type { InputSpec } from '../../images/input-spec.ts'
import type { WholeManifest } from '../../models/manifest.ts'
import type { Signature } from '../../onnx/signature.ts'
import { boxOutputs, fixed, gridOutput, type ImageInput, imageInput, maskInput, queryOutputs } from './roles.ts'

/** What a kind of export makes of a graph. */
interface WholeDescription extends Pick<WholeManifest, 'input' | 'outputs'> {
  readonly mask?: string | undefined
  readonly head?: Partial<WholeManifest['head']>
  /** K, where the graph tells it. */
  readonly classes: number | undefined
  /** K where neither the graph nor the person tells it. */
  readonly usualClasses?: number
}

/** One project's way of exporting a detector. */
interface WholeKind {
  /** What `--as` takes. */
  readonly name: string
  readonly title: string
  /** Whether a graph of the right form can only be of this kind. */
  isUnmistakable(signature: Signature, image: ImageInput): boolean
  /** @returns undefined for a graph of another form */
  describe(signature: Signature, image: ImageInput): WholeDescription | undefined
  readonly citations: readonly string[]
}

const IMAGENET = {
  channels: 'rgb',
  mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
  std: [0.229 * 255, 0.224 * 255, 0.225 * 255],
  padMultiple: 1,
} as const
/** Levels of 0 to 1. */
const UNIT = { channels: 'rgb', mean: [0, 0, 0], std: [255, 255, 255], padMultiple: 1 } as const
/** Pillow's resizing to whole levels. */
const PILLOW = { filter: 'antialias', output: 'uint8' } as const
const SHORTER_800 = { rule: 'shorter', size: 800, max: 1333, rounding: 'floor' } as const

/** pytorch/vision: models/detection/*.py. The graph resizes to what the network wants, and gives boxes of what it was given. */
const torchvision: WholeKind = {
  name: 'torchvision',
  title: "torchvision's export of a detector",
  isUnmistakable: ({ initializers }) => initializers.has(TORCHVISION_SCORES),
  describe(signature, { size }) {
    const outputs = boxOutputs(signature)
    const resize: InputSpec['resize'] = size
      ? { rule: 'exact', ...size, filter: 'bilinear', output: 'float32' }
      : { rule: 'none', filter: 'bilinear', output: 'float32' }
    const columns = signature.initializers.get(TORCHVISION_SCORES)?.dims[0]
    return (
      outputs && {
        input: { ...UNIT, resize },
        outputs: { form: 'boxes', ...outputs, firstLabel: 1 },
        classes: columns === undefined ? undefined : columns - 1,
      }
    )
  },
  citations: ['Ren et al. 2015, arXiv:1506.01497'],
}

const TORCHVISION_SCORES = 'roi_heads.box_predictor.cls_score.weight'

/** onnx/models: FasterRCNN-10 and -12, which are maskrcnn-benchmark's; corners name pixels there. */
const onnxZoo: WholeKind = {
  name: 'onnx-zoo',
  title: 'the FasterRCNN of the ONNX model zoo',
  isUnmistakable: ({ outputs }) => outputs.map(({ name }) => name).join() === '6379,6381,6383',
  describe(signature, { size }) {
    const outputs = boxOutputs(signature)
    return (
      outputs && {
        input: {
          channels: 'bgr',
          mean: [102.9801, 115.9465, 122.7717],
          std: [1, 1, 1],
          resize: size ? { rule: 'exact', ...size, ...PILLOW } : { ...SHORTER_800, ...PILLOW },
          padMultiple: 32,
        },
        outputs: { form: 'boxes', ...outputs, firstLabel: 1, corners: 'pixels' },
        classes: undefined,
        usualClasses: 80,
      }
    )
  },
  citations: ['Massa and Girshick 2018, https://github.com/facebookresearch/maskrcnn-benchmark'],
}

/** Megvii-BaseDetection/YOLOX: tools/export_onnx.py, yolox/data/data_augment.py (`preproc`), yolox/models/yolo_head.py. */
function yolox(decoded: boolean): WholeKind {
  return {
    name: decoded ? 'yolox-decoded' : 'yolox',
    title: decoded ? 'YOLOX with decoding in the graph' : 'YOLOX',
    isUnmistakable: ({ operators, outputs }, { name, size }) =>
      name === 'images' && outputs[0]?.name === 'output' && size !== undefined && operators.has('Exp') === decoded,
    describe(signature, { batched, size = { width: 640, height: 640 } }) {
      const values = gridOutput(signature)
      if (!values || !batched) return undefined
      const cells = STRIDES.reduce((sum, s) => sum + Math.floor(size.width / s) * Math.floor(size.height / s), 0)
      const rows = fixed(values, 1)
      const columns = fixed(values, 2)
      if ((rows !== undefined && rows !== cells) || (columns !== undefined && columns < 6)) return undefined
      return {
        input: {
          channels: 'bgr',
          mean: [0, 0, 0],
          std: [1, 1, 1],
          resize: { rule: 'fit', ...size, filter: 'bilinear', output: 'uint8' },
          padMultiple: 1,
          padLevel: 114,
        },
        outputs: { form: 'grid', values: values.name, strides: STRIDES, decoded },
        // Of its evaluation: exps/default, test_conf and nmsthre.
        head: { scoreThreshold: 0.01, nms: { kind: 'per-class', iouThreshold: 0.65 } },
        classes: columns === undefined ? undefined : columns - 5,
      }
    },
    citations: ['Ge et al. 2021, arXiv:2107.08430'],
  }
}

const STRIDES = [8, 16, 32]

/** huggingface/transformers: models/{detr,deformable_detr,rt_detr}/image_processing_*.py and their `post_process_object_detection`. */
function detr(
  name: string,
  title: string,
  activation: 'softmax' | 'sigmoid',
  isUnmistakable: WholeKind['isUnmistakable'],
  inputOf: (image: ImageInput) => InputSpec,
  citations: readonly string[],
): WholeKind {
  return {
    name,
    title,
    isUnmistakable,
    describe(signature, image) {
      const found = queryOutputs(signature)
      if (!found || !image.batched) return undefined
      const columns = fixed(found.logits, -1)
      const none = activation === 'softmax' ? 1 : 0
      return {
        input: inputOf(image),
        mask: maskInput(signature),
        outputs: { form: 'queries', logits: found.logits.name, boxes: found.boxes, activation },
        classes: columns === undefined ? undefined : columns - none,
      }
    },
    citations,
  }
}

const detrInput = ({ size }: ImageInput): InputSpec => ({
  ...IMAGENET,
  resize: size ? { rule: 'exact', ...size, ...PILLOW } : { ...SHORTER_800, ...PILLOW },
})
const squareInput = ({ size = { width: 640, height: 640 } }: ImageInput): InputSpec => ({
  ...UNIT,
  resize: { rule: 'exact', ...size, ...PILLOW },
})
/** Attention to sampled points, which the DETRs with a sigmoid brought along. */
const samples = ({ operators }: Signature): boolean => operators.has('GridSample')

/** Every kind, in the order in which they are tried. */
export const KINDS: readonly WholeKind[] = [
  torchvision,
  onnxZoo,
  yolox(false),
  yolox(true),
  detr(
    'detr',
    'DETR (softmax, "no object" last)',
    'softmax',
    // COCO's 91 ids and "no object".
    (signature) => !samples(signature) && fixedColumns(signature) === 92,
    detrInput,
    ['Carion et al. 2020, arXiv:2005.12872'],
  ),
  detr(
    'deformable-detr',
    'Deformable DETR (sigmoid)',
    'sigmoid',
    (signature) => samples(signature) && maskInput(signature) !== undefined,
    detrInput,
    ['Zhu et al. 2020, arXiv:2010.04159'],
  ),
  detr(
    'rt-detr',
    'RT-DETR (sigmoid)',
    'sigmoid',
    (signature) => samples(signature) && maskInput(signature) === undefined,
    squareInput,
    ['Zhao et al. 2023, arXiv:2304.08069'],
  ),
]

function fixedColumns(signature: Signature): number | undefined {
  const found = queryOutputs(signature)
  return found && fixed(found.logits, -1)
}

/** The kinds that a graph could be, with what each makes of it. */
export function possibleKinds(
  signature: Signature,
): { kind: WholeKind; description: WholeDescription; isUnmistakable: boolean; image: ImageInput }[] {
  const image = imageInput(signature)
  if (!image) return []
  return KINDS.flatMap((kind) => {
    const description = kind.describe(signature, image)
    return description ? [{ kind, description, image, isUnmistakable: kind.isUnmistakable(signature, image) }] : []
  })
}
