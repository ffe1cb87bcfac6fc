import { checkChoice, checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { Value } from '../onnx/graph.ts'
import type { Model, Tensor } from '../onnx/model.ts'
import { int64Tensor, tensorFrom } from '../onnx/tensors.ts'
import type { Weights } from '../weights/weights.ts'
import { binCornerPool } from './bin-corner-pool.ts'
import type { FeatureInfo } from './feature.ts'
import { channelsOf, LayerBuilder, type Norm } from './layers.ts'
import { residualFeatures, residualUnits } from './residual.ts'
import type { ResidualDescription } from './residual-description.ts'

/**
 * How a box becomes a map of `size` x `size` cells: RoIAlign (He et al. 2017, arXiv:1703.06870), the mean of sampled
 * points; RoIPool (Girshick 2015, arXiv:1504.08083), the largest cell between rounded borders; or faster-rcnn.pytorch's way, the
 * mean of the points at the four corners of a bin.
 */
export type RoiPooling =
  | {
      readonly kind: 'align'
      readonly size: number
      /** Points per bin and axis; 0: as many as the bin has cells. */
      readonly samplingRatio: number
      /** True shifts the boxes by half a cell, so that cells are sampled at their centres (Detectron2); false: torchvision. */
      readonly aligned: boolean
      /** Pools up to x2 + 1 and y2 + 1, and boxes of less than a cell as they are (MMDetection 1). Default false. */
      readonly lastPixel?: boolean | undefined
    }
  /** ONNX's MaxRoiPool, which rounds as Caffe's RoIPooling: round(x * scale) with halves away from 0, one cell at least. */
  | { readonly kind: 'max'; readonly size: number }
  | { readonly kind: 'bin-corners'; readonly size: number }

/** What stands between the pooled map and the two predictors. */
export type RoiBody =
  /** `head.fc6` and `head.fc7`, both with this many outputs and ReLU. */
  | { readonly kind: 'fc'; readonly channels: number }
  /**
   * torchvision's v2: `head.conv1` and so on, 3x3 with normalisation and ReLU and as many channels as the map, then
   * `head.fc6` with this many outputs and ReLU.
   */
  | { readonly kind: 'convolutions'; readonly count: number; readonly norm: Norm; readonly channels: number }
  /** The C4 form: the last stage of a residual network (v1 or v1.5), then the mean over the map. */
  | { readonly kind: 'stage'; readonly backbone: ResidualDescription }

/** The second stage of a detector. Its predictors are `head.scores` and `head.deltas`. */
export interface RoiHeadDescription {
  /** The levels that boxes are pooled from, finest first, all of the same channels. */
  readonly levels: readonly FeatureInfo[]
  readonly pool: RoiPooling
  readonly body: RoiBody
  /** K, without background. */
  readonly classes: number
  /** One box per RoI instead of one per class. */
  readonly classAgnostic: boolean
}

/**
 * The graph `roi-head`. Inputs for each level, such as p3: `p3` [N, C, h, w], `rois_p3` float32 [R3, 4] (x1, y1, x2, y2 in
 * pixels of the network's input) and `batch_p3` int64 [R3] (which of the N images). Outputs `class_logits` [R, K + 1]
 * (column 0 is background) and `box_deltas` [R, 4(K + 1)], or [R, 4] when class-agnostic; R = the rows of all levels in
 * their order. N, sizes and row counts are free; a level may have zero rows on the CPU.
 *
 * @throws VertebraError `INVALID_ARGUMENT`, or `WEIGHTS_INVALID` for a tensor that is missing or does not fit
 * @example
 * const pool = { kind: 'align', size: 7, samplingRatio: 2, aligned: false } as const
 * const body = { kind: 'fc', channels: 1024 } as const
 * const model = buildRoiHead({ levels, pool, body, classes: 20, classAgnostic: false }, weights)
 */
export function buildRoiHead(description: RoiHeadDescription, weights: Weights): Model {
  check(description)
  const { levels, pool, body, classes, classAgnostic } = description
  const layers = new LayerBuilder('roi-head', weights)
  const { graph } = layers
  const pooled = levels.map((level) => pooledRois(layers, level, pool))
  const [only] = pooled
  const all = pooled.length === 1 && only ? only : graph.concat(pooled, 0)
  const vector = bodyNetwork(layers, all, body)
  graph.output(layers.linear(vector, 'head.scores', classes + 1), 'class_logits')
  graph.output(layers.linear(vector, 'head.deltas', classAgnostic ? 4 : 4 * (classes + 1)), 'box_deltas')
  return graph.build()
}

/** The axis that makes batch indices [R] a column [R, 1]. */
const COLUMN: Tensor = int64Tensor([1])

function pooledRois({ graph }: LayerBuilder, { name, channels, stride }: FeatureInfo, pool: RoiPooling): Value {
  const map = graph.input(name, 'float32', ['N', channels, `H_${name}`, `W_${name}`])
  const rois = graph.input(`rois_${name}`, 'float32', [`R_${name}`, 4])
  const batch = graph.input(`batch_${name}`, 'int64', [`R_${name}`])
  const outputSize = [pool.size, pool.size] as const
  const spatialScale = 1 / stride
  if (pool.kind === 'bin-corners') return binCornerPool(graph, map, rois, batch, { size: pool.size, stride })
  if (pool.kind === 'align') {
    const { samplingRatio, aligned, lastPixel } = pool
    if (!lastPixel) return graph.roiAlign(map, rois, batch, { outputSize, spatialScale, samplingRatio, aligned })
    // ONNX widens boxes of less than a cell to one, except in its aligned form, whose shift is taken back here.
    const shift = aligned ? 0 : stride / 2
    const move = graph.initializer(
      `${name}.last_pixel`,
      tensorFrom(Float32Array.of(shift, shift, shift + 1, shift + 1)),
    )
    return graph.roiAlign(map, graph.add(rois, move), batch, { outputSize, spatialScale, samplingRatio, aligned: true })
  }
  const column = graph.op('Unsqueeze', [graph.cast(batch, 'float32'), graph.initializer('batch.axes', COLUMN)])
  return graph.maxRoiPool(map, graph.concat([column, rois], 1), { outputSize, spatialScale })
}

function bodyNetwork(layers: LayerBuilder, x: Value, body: RoiBody): Value {
  const { graph } = layers
  if (body.kind === 'stage') return lastStage(layers, x, body.backbone)
  if (body.kind === 'fc') {
    const hidden = graph.relu(layers.linear(graph.flatten(x), 'head.fc6', body.channels))
    return graph.relu(layers.linear(hidden, 'head.fc7', body.channels))
  }
  let hidden = x
  for (let i = 1; i <= body.count; i++) {
    hidden = graph.relu(layers.conv(hidden, `head.conv${i}`, channelsOf(x), { kernel: 3, norm: body.norm }))
  }
  return graph.relu(layers.linear(graph.flatten(hidden), 'head.fc6', body.channels))
}

function lastStage(layers: LayerBuilder, x: Value, backbone: ResidualDescription): Value {
  const stage = backbone.stages.length - 1
  const range = { stage, first: 1, last: backbone.stages[stage] ?? 0 }
  return layers.pooledVector(residualUnits(layers, backbone, range, x))
}

function check({ levels, pool, body, classes }: RoiHeadDescription): void {
  const [first] = levels
  if (!first || levels.some(({ channels }) => channels !== first.channels)) {
    throw unexpected('levels of the RoI head', 'one or more levels of equal channels', levels)
  }
  checkCount('classes', classes)
  checkChoice('pool.kind', pool.kind, ['align', 'max', 'bin-corners'])
  checkCount('pool.size', pool.size)
  if (pool.kind === 'align') checkCount('pool.samplingRatio', pool.samplingRatio, 0)
  checkChoice('body.kind', body.kind, ['fc', 'convolutions', 'stage'])
  if (body.kind === 'stage') checkLastStage(body.backbone, first.channels)
  else checkCount('body.channels', body.channels)
  if (body.kind === 'convolutions') checkCount('body.count', body.count)
}

function checkLastStage(backbone: ResidualDescription, channels: number): void {
  const input = residualFeatures(backbone).at(-2)
  if (backbone.variant === 'v2' || backbone.strideIn === 'last-unit') {
    throw unexpected('body.backbone', 'a v1 or v1.5 network with the stride in the first unit', backbone.variant)
  }
  if (input?.channels !== channels) {
    throw unexpected('body.backbone', `a network whose last stage reads ${channels} channels`, input?.channels)
  }
}
