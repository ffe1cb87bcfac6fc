import * as z from 'zod/mini'
import type { BackboneDescription } from '../architectures/backbone-description.ts'
import { slimResnetV2 } from '../architectures/resnet.ts'
import { vgg } from '../architectures/vgg.ts'
import { LOG_1000_16 } from '../boxes/coder.ts'
import { VertebraError } from '../errors.ts'
import { schemaProblems } from '../models/schema-problems.ts'
import type { WeightFile } from '../weights/stored-tensor.ts'
import { storedWeights } from '../weights/stored-weights.ts'
import type { About, ManifestBase, Recipe } from './recipe.ts'

/** The metadata `format` of a safetensors file that `training/` exports. */
export const FORMAT = 'vertebra-detector'

/** A file may not make lists that no network has. */
const fewOf = <T extends z.core.$ZodType>(item: T) => z.array(item).check(z.minLength(1), z.maxLength(100))
const numbers = fewOf(z.number())
const quad = z.tuple([z.number(), z.number(), z.number(), z.number()])
const triple = z.tuple([z.number(), z.number(), z.number()])

/** The configuration that training writes beside the weights: see training/vertebra_training/config.py. */
const configSchema = z.object({
  backbone: z.enum(['resnet101', 'vgg16']),
  pyramid_channels: z.int(),
  categories: z.array(z.object({ name: z.string(), id: z.int() })).check(z.minLength(1)),
  input: z.object({
    longer_side: z.int(),
    mean: triple,
    std: triple,
    pad_multiple: z.int(),
    filter: z.literal('bilinear'),
    channel_order: z.enum(['rgb', 'bgr']),
  }),
  anchors: z.object({
    sizes: fewOf(numbers),
    ratios: numbers,
    strides: z.nullable(numbers),
  }),
  rpn: z.object({
    channels: z.int(),
    pre_nms_top_n: z.int(),
    post_nms_top_n: z.int(),
    nms_iou: z.number(),
    score_threshold: z._default(z.number(), 0),
    box_weights: quad,
  }),
  roi: z.object({
    levels: fewOf(z.int()),
    output_size: z.int(),
    sampling_ratio: z.int(),
    aligned: z.boolean(),
    canonical_scale: z.number(),
    canonical_level: z.int(),
  }),
  head: z.object({
    channels: z.int(),
    class_agnostic: z._default(z.boolean(), false),
    box_weights: quad,
    score_threshold: z.number(),
    nms_iou: z.number(),
    detections: z.int(),
    refinements: z._default(z.int(), 0),
    refinement_threshold: z._default(z.number(), 0),
    objectness_power: z._default(z.number(), 0),
    nms_kind: z._default(z.enum(['per-class', 'soft-linear']), 'per-class'),
  }),
})

type Config = z.infer<typeof configSchema>

const BACKBONES: Readonly<Record<Config['backbone'], { network: () => BackboneDescription; title: string }>> = {
  resnet101: { network: () => slimResnetV2(101), title: 'ResNet-101 v2' },
  vgg16: { network: () => vgg(16), title: 'VGG-16' },
}

/** The finest level of the pyramid of these detectors: p3, stride 8. */
const FINEST = 3

/**
 * Reads a detector that `training/` exported.
 *
 * @param config the configuration as JSON, for a file that carries none in its metadata.
 * @throws VertebraError `WEIGHTS_INVALID` when the file is of another format or its configuration is missing or wrong.
 * @example
 * const recipe = vertebraDetector(readSafetensors(await readFile('detector.safetensors')), { name: 'my-detector' })
 * const { manifest, files } = await convertDetector(recipe)
 */
export function vertebraDetector(file: WeightFile, about: About = {}, config?: string): Recipe {
  if (file.metadata.format !== FORMAT) {
    throw new VertebraError(
      'WEIGHTS_INVALID',
      `Expected a detector exported by this project's training (metadata format "${FORMAT}") but received a file with ` +
        `${file.metadata.format === undefined ? 'no format' : `format "${file.metadata.format}"`}.`,
    )
  }
  const parsed = readConfig(config ?? file.metadata.config)
  const backbone = BACKBONES[parsed.backbone]
  return {
    weights: storedWeights(file.tensors),
    network: {
      backbone: backbone.network(),
      levels: ['c3', 'c4', 'c5'],
      pyramid: { channels: parsed.pyramid_channels, extraLevel: true },
      rpnChannels: parsed.rpn.channels,
      roiBody: { kind: 'fc', channels: parsed.head.channels },
    },
    manifest: manifestBase(parsed, backbone.title, about),
  }
}

function readConfig(json: string | undefined): Config {
  if (json === undefined) {
    throw new VertebraError(
      'WEIGHTS_INVALID',
      'Expected a configuration in the metadata of the weights but there is none.',
    )
  }
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new VertebraError('WEIGHTS_INVALID', 'Expected the configuration of the weights to be JSON.', { cause })
  }
  const result = configSchema.safeParse(value)
  if (result.success) return result.data
  const problems = schemaProblems(configSchema, value)
  throw new VertebraError('WEIGHTS_INVALID', `The configuration of the weights is wrong: ${problems.join('; ')}.`)
}

function manifestBase(config: Config, title: string, about: About): ManifestBase {
  const { input, anchors, rpn, roi, head } = config
  return {
    format: 'vertebra-model',
    version: 1,
    name: about.name ?? `${config.backbone}-detector`,
    description:
      about.description ?? `Faster R-CNN with ${title} and a feature pyramid, ${config.categories.length} classes.`,
    architecture: `Faster R-CNN, ${title}, feature pyramid of ${config.pyramid_channels} channels`,
    labels: config.categories.map(({ name, id }) => ({ name, categoryId: id })),
    input: {
      channels: input.channel_order,
      mean: input.mean,
      std: input.std,
      resize: { rule: 'longer', size: input.longer_side, rounding: 'nearest', filter: 'antialias', output: 'uint8' },
      padMultiple: input.pad_multiple,
    },
    anchors: {
      levels: anchors.sizes.map((sizes, i) => ({
        feature: `p${FINEST + i}`,
        stride: anchors.strides?.[i] ?? 2 ** (FINEST + i),
        sizes,
      })),
      aspectRatios: anchors.ratios,
      order: 'ratio-major',
      rounded: true,
      offset: 0,
      strideRule: anchors.strides ? 'exact' : 'from-grid',
    },
    rpn: {
      preNmsTopN: rpn.pre_nms_top_n,
      postNmsTopN: rpn.post_nms_top_n,
      nmsThreshold: rpn.nms_iou,
      minSize: 0.001,
      scoreThreshold: rpn.score_threshold,
      boxCoder: { weights: rpn.box_weights, clamp: LOG_1000_16 },
    },
    roi: {
      levels: roi.levels.map((level) => `p${level}`),
      canonicalScale: roi.canonical_scale,
      canonicalLevel: roi.canonical_level,
      minLevel: Math.min(...roi.levels),
      pooling: 'align',
      outputSize: roi.output_size,
      samplingRatio: roi.sampling_ratio,
      aligned: roi.aligned,
    },
    head: {
      boxCoder: { weights: head.box_weights, clamp: LOG_1000_16 },
      classAgnostic: head.class_agnostic,
      scoreThreshold: head.score_threshold,
      nms: { kind: head.nms_kind, iouThreshold: head.nms_iou },
      minSize: 0.01,
      maxDetections: head.detections,
      ...(head.refinements > 0 && {
        refinements: head.refinements,
        refinementThreshold: head.refinement_threshold,
      }),
      ...(head.objectness_power > 0 && { objectnessPower: head.objectness_power }),
    },
    source: about.source ?? { weights: 'not stated', licence: 'not stated', citations: [] },
    metrics: about.metrics ?? [],
  }
}
