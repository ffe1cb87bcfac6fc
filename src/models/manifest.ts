import * as z from 'zod/mini'
import type { FeatureInfo } from '../architectures/feature.ts'
import type { AnchorSpec } from '../boxes/anchors.ts'
import { VertebraError } from '../errors.ts'
import type { RoiSpec } from '../heads/levels.ts'
import type { PostprocessOptions } from '../heads/postprocess.ts'
import type { ProposalOptions } from '../heads/proposals.ts'
import type { InputSpec } from '../images/input-spec.ts'
import type { OutputForm } from '../whole/output-form.ts'
import type { SelectionRule } from '../whole/select.ts'
import { schemaProblems } from './schema-problems.ts'

/**
 * `model.json`: everything a reader of a model folder needs, so that no constant of a detector hides in code. The
 * documentation of each field is in docs/model-folder.md.
 */

const positive = z.number().check(z.positive())
const count = z.int().check(z.positive())
const nonNegative = z.number().check(z.nonnegative())
const fraction = z.number().check(z.minimum(0), z.maximum(1))
const three = z.tuple([z.number(), z.number(), z.number()])
const name = z.string().check(z.regex(/^[a-z][a-z0-9_]*$/, 'a name of lower-case letters, digits and _'))
const text = z.string().check(z.minLength(1))
const rounding = z.enum(['nearest', 'floor', 'half-up'])
const resize = {
  filter: z.enum(['bilinear', 'antialias']),
  output: z.enum(['uint8', 'float32']),
}
const scale = z.optional(z.enum(['sides', 'rule']))
const corners = z.optional(z.enum(['edges', 'pixels', 'pixels-caffe']))

const feature = z.strictObject({ name, channels: count, stride: count })

const boxCoder = z.strictObject({
  weights: z.tuple([positive, positive, positive, positive]),
  clamp: positive,
  corners,
})

const graphFile = z.strictObject({
  file: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.onnx$/, 'a plain file name that ends in .onnx')),
  bytes: count,
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')),
  precision: z.enum(['float32', 'float16', 'int8-weights', 'int8']),
})

/** What the manifest of every model folder says. */
interface AnyManifest {
  readonly format: 'vertebra-model'
  readonly version: 1
  readonly name: string
  readonly description: string
  readonly architecture: string
  readonly input: InputSpec
  /** What the backbone gives, finest first. */
  readonly features: readonly FeatureInfo[]
  readonly source: ModelSource
  readonly metrics: readonly ModelMetric[]
}

/** The manifest of a detector. */
export interface Manifest extends AnyManifest {
  readonly task?: 'detect' | undefined
  /** The K classes in the order of the network's outputs, without background. */
  readonly labels: readonly { readonly name: string; readonly categoryId: number }[]
  /** What the RPN and the RoI head see, finest first. */
  readonly pyramid: readonly FeatureInfo[]
  readonly anchors: AnchorSpec
  readonly rpn: ProposalOptions
  readonly roi: RoiSpec
  readonly head: PostprocessOptions
  readonly graphs: { readonly backbone: GraphFile; readonly rpn: GraphFile; readonly roiHead: GraphFile }
}

/** The manifest of a backbone alone. */
export interface FeaturesManifest extends AnyManifest {
  readonly task: 'features'
  readonly graphs: { readonly backbone: GraphFile }
}

/** The manifest of a classifier: a backbone, and a graph from its last level to one logit a class. */
export interface ClassifierManifest extends AnyManifest {
  readonly task: 'classify'
  /** The K classes in the order of the network's outputs; a name may occur twice, as in ImageNet. */
  readonly labels: readonly { readonly name: string }[]
  readonly graphs: { readonly backbone: GraphFile; readonly classifier: GraphFile }
}

/**
 * The manifest of a detector that was exported as one graph, from the photo to boxes or nearly so: what the graph is fed, and how
 * its outputs are read.
 */
export interface WholeManifest extends AnyManifest {
  readonly task: 'detect-whole'
  /** None: such a graph gives no feature maps. */
  readonly features: readonly FeatureInfo[]
  /** The K classes in the order of the network's outputs, without background. */
  readonly labels: Manifest['labels']
  readonly feeds: {
    /** Name of the graph's input: the photo, [1, 3, H, W], or [3, H, W] when it is not `batched`. */
    readonly image: string
    readonly batched: boolean
    /** Name of an int64 input [1, H, W]: 1 where the photo is, 0 where padding is. */
    readonly mask?: string | undefined
  }
  readonly outputs: OutputForm
  readonly head: SelectionRule
  readonly graphs: { readonly detector: GraphFile }
}

/** The manifest of any detector. */
export type DetectorManifest = Manifest | WholeManifest

/** The manifest of any model folder; without a `task` it is a detector's. */
export type ModelManifest = DetectorManifest | FeaturesManifest | ClassifierManifest

/** The graphs of a detector. */
export type GraphName = keyof Manifest['graphs']

/** The name of a graph of any model. */
export type AnyGraphName = GraphName | 'classifier' | 'detector'

export interface GraphFile {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** How weights are stored; `int8`: what the graph computes in, too. */
  readonly precision: 'float32' | 'float16' | 'int8-weights' | 'int8'
}

/** Where the weights come from, and under which terms. */
export interface ModelSource {
  readonly weights: string
  readonly url?: string | undefined
  readonly licence: string
  readonly attribution?: string | undefined
  readonly citations: readonly string[]
}

/** A measured figure and the command that measures it. */
export interface ModelMetric {
  readonly dataset: string
  readonly metric: string
  readonly value: number
  readonly command: string
}

const inputFields = {
  channels: z.enum(['rgb', 'bgr']),
  mean: three,
  std: z.tuple([positive, positive, positive]),
  padMultiple: count,
}
const resizeRules = [
  z.strictObject({ rule: z.literal('longer'), size: count, rounding, scale, ...resize }),
  z.strictObject({ rule: z.literal('shorter'), size: count, max: count, rounding, scale, ...resize }),
  z.strictObject({ rule: z.literal('exact'), width: count, height: count, ...resize }),
] as const
const wholeRules = [
  ...resizeRules,
  z.strictObject({ rule: z.literal('fit'), width: count, height: count, ...resize }),
  z.strictObject({ rule: z.literal('none'), ...resize }),
] as const
const cropRule = z.strictObject({ rule: z.literal('crop'), size: count, width: count, height: count, ...resize })

/** Every part of a photo can hold an object, so a detector's input is never cropped. */
const uncutInput = z.strictObject({ ...inputFields, resize: z.discriminatedUnion('rule', resizeRules) })
const anyInput = z.strictObject({ ...inputFields, resize: z.discriminatedUnion('rule', [...resizeRules, cropRule]) })

const anyManifest = {
  format: z.literal('vertebra-model'),
  version: z.literal(1),
  name: z.string().check(z.regex(/^[a-z0-9][a-z0-9._-]*$/, 'a name of lower-case letters, digits, ".", "_" and "-"')),
  description: text,
  architecture: text,
  features: z.array(feature).check(z.minLength(1)),
  source: z.strictObject({
    weights: text,
    url: z.optional(text),
    licence: text,
    attribution: z.optional(text),
    citations: z.array(text),
  }),
  metrics: z.array(z.strictObject({ dataset: text, metric: text, value: z.number(), command: text })),
}

const detectorSchema = z.strictObject({
  ...anyManifest,
  task: z.optional(z.literal('detect')),
  labels: z.array(z.strictObject({ name: text, categoryId: z.int() })).check(z.minLength(1)),
  input: uncutInput,
  pyramid: z.array(feature).check(z.minLength(1)),
  anchors: z.strictObject({
    levels: z
      .array(
        z.strictObject({
          feature: name,
          stride: count,
          sizes: z.array(positive).check(z.minLength(1)),
          boxes: z.optional(z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])).check(z.minLength(1))),
        }),
      )
      .check(z.minLength(1)),
    aspectRatios: z.array(positive).check(z.minLength(1)),
    order: z.enum(['ratio-major', 'size-major']),
    rounded: z.boolean(),
    offset: fraction,
    strideRule: z.enum(['exact', 'from-grid']),
  }),
  rpn: z.strictObject({
    preNmsTopN: count,
    postNmsTopN: count,
    nmsThreshold: fraction,
    minSize: nonNegative,
    scoreThreshold: fraction,
    boxCoder,
    minSizeOf: z.optional(z.enum(['input', 'photo'])),
    clipTo: z.optional(z.enum(['image', 'padded'])),
  }),
  roi: z.strictObject({
    levels: z.array(name).check(z.minLength(1)),
    canonicalScale: positive,
    canonicalLevel: z.int(),
    minLevel: z.int(),
    pooling: z.enum(['align', 'pool', 'bin-corners']),
    corners,
    outputSize: count,
    samplingRatio: z.int().check(z.nonnegative()),
    aligned: z.boolean(),
    lastPixel: z.optional(z.boolean()),
  }),
  head: z.strictObject({
    boxCoder,
    classAgnostic: z.boolean(),
    scoreThreshold: fraction,
    nms: z.strictObject({
      kind: z.enum(['per-class', 'agnostic', 'soft-linear', 'soft-gaussian']),
      iouThreshold: fraction,
      sigma: z.optional(positive),
    }),
    minSize: nonNegative,
    maxDetections: count,
    toPhoto: z.optional(z.enum(['before-decoding', 'before-nms', 'after-nms'])),
  }),
  graphs: z.strictObject({ backbone: graphFile, rpn: graphFile, roiHead: graphFile }),
})

const wholeSchema = z.strictObject({
  ...anyManifest,
  task: z.literal('detect-whole'),
  features: z.array(feature).check(z.maxLength(0)),
  labels: z.array(z.strictObject({ name: text, categoryId: z.int() })).check(z.minLength(1)),
  input: z.strictObject({
    ...inputFields,
    padLevel: z.optional(z.number()),
    resize: z.discriminatedUnion('rule', wholeRules),
  }),
  feeds: z.strictObject({ image: text, batched: z.boolean(), mask: z.optional(text) }),
  outputs: z.discriminatedUnion('form', [
    z.strictObject({
      form: z.literal('boxes'),
      boxes: text,
      labels: text,
      scores: text,
      firstLabel: z.int(),
      corners: z.optional(z.enum(['edges', 'pixels'])),
    }),
    z.strictObject({
      form: z.literal('grid'),
      values: text,
      strides: z.array(count).check(z.minLength(1)),
      decoded: z.boolean(),
    }),
    z.strictObject({
      form: z.literal('queries'),
      logits: text,
      boxes: text,
      activation: z.enum(['softmax', 'sigmoid']),
    }),
  ]),
  head: z.strictObject({
    scoreThreshold: fraction,
    nms: z.strictObject({
      kind: z.enum(['none', 'per-class', 'agnostic', 'soft-linear', 'soft-gaussian']),
      iouThreshold: fraction,
      sigma: z.optional(positive),
    }),
    maxDetections: count,
  }),
  graphs: z.strictObject({ detector: graphFile }),
})

/** What `parseManifest` checks first; docs/model.schema.json is the same as JSON Schema. */
export const manifestSchema: z.ZodMiniType<ModelManifest> = z.discriminatedUnion('task', [
  detectorSchema,
  z.strictObject({
    ...anyManifest,
    task: z.literal('features'),
    input: anyInput,
    graphs: z.strictObject({ backbone: graphFile }),
  }),
  z.strictObject({
    ...anyManifest,
    task: z.literal('classify'),
    labels: z.array(z.strictObject({ name: text })).check(z.minLength(1)),
    input: anyInput,
    graphs: z.strictObject({ backbone: graphFile, classifier: graphFile }),
  }),
  wholeSchema,
])

/**
 * Checks the text of a `model.json`: first the schema, then what the fields say of each other.
 * @param origin where it came from, for messages.
 * @throws VertebraError `MODEL_INVALID` that names every field that is wrong.
 */
export function parseManifest(json: string, origin: string): ModelManifest {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new VertebraError('MODEL_INVALID', `Expected JSON in ${origin} but it could not be parsed: ${cause}.`, {
      cause,
    })
  }
  const result = manifestSchema.safeParse(value)
  if (!result.success) throw invalid(origin, schemaProblems(manifestSchema, value))
  const problems = contradictions(result.data)
  if (problems.length > 0) throw invalid(origin, problems)
  return result.data
}

function invalid(origin: string, problems: readonly string[]): VertebraError {
  return new VertebraError('MODEL_INVALID', `${origin} is not a valid model manifest: ${problems.join('; ')}.`)
}

function cropProblems({ resize }: InputSpec): string[] {
  if (resize.rule !== 'crop' || resize.size >= Math.max(resize.width, resize.height)) return []
  return [`input.resize: ${resize.width} x ${resize.height} cannot be taken of a side of ${resize.size}`]
}

/** What a schema of single fields cannot say. */
function contradictions(manifest: ModelManifest): string[] {
  if (manifest.task === 'features' || manifest.task === 'classify') return cropProblems(manifest.input)
  if (manifest.task === 'detect-whole') return labelProblems(manifest)
  const problems: string[] = []
  const pyramid = new Map(manifest.pyramid.map((level) => [level.name, level]))
  for (const { feature: level, stride } of manifest.anchors.levels) {
    const known = pyramid.get(level)
    if (!known) problems.push(`anchors.levels: "${level}" is not in pyramid`)
    else if (known.stride !== stride)
      problems.push(`anchors.levels: "${level}" has stride ${stride}, pyramid says ${known.stride}`)
  }
  for (const level of manifest.roi.levels) {
    if (!pyramid.has(level)) problems.push(`roi.levels: "${level}" is not in pyramid`)
  }
  for (const { feature: level, sizes, boxes } of manifest.anchors.levels) {
    const anchors = sizes.length * manifest.anchors.aspectRatios.length
    if (boxes && boxes.length !== anchors)
      problems.push(`anchors.levels: "${level}" has ${boxes.length} boxes, its sizes and ratios say ${anchors}`)
  }
  const perCell = manifest.anchors.levels.map((level) => level.sizes.length)
  if (new Set(perCell).size > 1) problems.push('anchors.levels: every level must have the same number of sizes')
  return [...problems, ...labelProblems(manifest)]
}

function labelProblems({ labels }: DetectorManifest): string[] {
  return new Set(labels.map(({ name }) => name)).size === labels.length ? [] : ['labels: a name occurs twice']
}
