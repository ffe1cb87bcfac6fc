import { LOG_1000_16 } from '../boxes/coder.ts'
import type { InputSpec } from '../images/input-spec.ts'
import type { Manifest } from '../models/manifest.ts'
import type { About, ManifestBase } from './recipe.ts'

/** What differs between the Faster R-CNNs of the projects; the rest is the same in all of them. */
export interface FasterRcnnNumbers {
  /** Of the model folder, where the person gives none. */
  readonly name: string
  readonly architecture: string
  readonly labels: Manifest['labels']
  readonly input: InputSpec
  readonly anchors: Manifest['anchors']
  /** Of each level, before NMS. */
  readonly preNmsTopN: number
  readonly roi: Pick<Manifest['roi'], 'levels' | 'minLevel' | 'outputSize' | 'samplingRatio' | 'aligned'> &
    Partial<Manifest['roi']>
  readonly classAgnostic?: boolean
  /** Sides below which proposals and detections are dropped. */
  readonly minSizes: { readonly proposals: number; readonly detections: number }
  /** What else a project has of its own. */
  readonly rpn?: Partial<Manifest['rpn']>
  readonly head?: Partial<Manifest['head']>
  readonly source: Manifest['source']
}

/** The manifest of a Faster R-CNN (Ren et al. 2015) with the numbers that most projects share. */
export function fasterRcnnManifest(numbers: FasterRcnnNumbers, about: About = {}): ManifestBase {
  const { name, architecture, labels, input, anchors, preNmsTopN, roi, classAgnostic = false, minSizes } = numbers
  return {
    format: 'vertebra-model',
    version: 1,
    name: about.name ?? name,
    description: about.description ?? `${architecture}, ${labels.length} classes.`,
    architecture,
    labels,
    input,
    anchors,
    rpn: {
      preNmsTopN,
      postNmsTopN: 1000,
      nmsThreshold: 0.7,
      minSize: minSizes.proposals,
      scoreThreshold: 0,
      boxCoder: { weights: [1, 1, 1, 1], clamp: LOG_1000_16 },
      ...numbers.rpn,
    },
    roi: { canonicalScale: 224, canonicalLevel: 4, pooling: 'align', ...roi },
    head: {
      boxCoder: { weights: [10, 10, 5, 5], clamp: LOG_1000_16 },
      classAgnostic,
      scoreThreshold: 0.05,
      nms: { kind: 'per-class', iouThreshold: 0.5 },
      minSize: minSizes.detections,
      maxDetections: 100,
      ...numbers.head,
    },
    source: about.source ?? numbers.source,
    metrics: about.metrics ?? [],
  }
}

/** Anchors of one size a level on p2 to p6: 32 to 512 pixels. */
export function pyramidAnchors(rules: Pick<Manifest['anchors'], 'rounded' | 'strideRule'>): Manifest['anchors'] {
  return {
    levels: [2, 3, 4, 5, 6].map((n) => ({ feature: `p${n}`, stride: 2 ** n, sizes: [2 ** (n + 3)] })),
    aspectRatios: [0.5, 1, 2],
    order: 'size-major',
    offset: 0,
    ...rules,
  }
}

/** The four levels of a pyramid that boxes are pooled from. */
export const PYRAMID_ROI: Pick<Manifest['roi'], 'levels' | 'minLevel'> = {
  levels: ['p2', 'p3', 'p4', 'p5'],
  minLevel: 2,
}

/** The mean colour of ImageNet, BGR, that Caffe's models of Girshick, He and Simonyan take from 0 to 255. */
export const CAFFE_MEAN_BGR: readonly [number, number, number] = [102.9801, 115.9465, 122.7717]

/** The photo as Girshick's Caffe code and its ports show it to the network: 600 to 1000 pixels, resized by cv2 after the mean. */
export const CAFFE_INPUT: InputSpec = {
  channels: 'bgr',
  mean: CAFFE_MEAN_BGR,
  std: [1, 1, 1],
  resize: {
    rule: 'shorter',
    size: 600,
    max: 1000,
    rounding: 'nearest',
    filter: 'bilinear',
    output: 'float32',
    scale: 'rule',
  },
  padMultiple: 1,
}

/** For coders that have no clamp: exp() of more is no float32. */
export const NO_CLAMP = 88
