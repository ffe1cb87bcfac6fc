import * as z from 'zod/mini'
import type { Manifest, ModelManifest } from './manifest.ts'

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

const detectorLabels = z.array(z.strictObject({ name: text, categoryId: z.int() })).check(z.minLength(1))

const nms = {
  iouThreshold: fraction,
  sigma: z.optional(positive),
}

const graphFile = z.strictObject({
  file: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.onnx$/, 'a plain file name that ends in .onnx')),
  bytes: count,
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')),
  precision: z.enum(['float32', 'float16', 'int8-weights', 'int8']),
})

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

type AnyField = 'format' | 'version' | 'name' | 'description' | 'architecture' | 'features' | 'source' | 'metrics'

/** The fields of every manifest. */
export const anyManifest: { readonly [Field in AnyField]: z.ZodMiniType<Manifest[Field]> } = {
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
  labels: detectorLabels,
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
      ...nms,
    }),
    minSize: nonNegative,
    maxDetections: count,
    refinements: z.optional(z.int().check(z.minimum(0), z.maximum(10))),
    refinementThreshold: z.optional(fraction),
    objectnessPower: z.optional(fraction),
    toPhoto: z.optional(z.enum(['before-decoding', 'before-nms', 'after-nms'])),
  }),
  graphs: z.strictObject({ backbone: graphFile, rpn: graphFile, roiHead: graphFile }),
})

const wholeSchema = z.strictObject({
  ...anyManifest,
  task: z.literal('detect-whole'),
  features: z.array(z.never()),
  labels: detectorLabels,
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
      ...nms,
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
