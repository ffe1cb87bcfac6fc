import type { FeatureInfo } from '../architectures/feature.ts'
import type { Boxes } from '../boxes/boxes.ts'
import { assignLevels, groupByLevel, restoreOrder } from '../heads/levels.ts'
import type { Proposals } from '../heads/proposals.ts'
import type { RoiAlign } from '../heads/roi-align.ts'
import { roiGrid } from '../heads/roi-grid.ts'
import type { Manifest } from '../models/manifest.ts'
import { POOLED_INPUT } from '../onnx/transforms/roi-align-to-input.ts'
import type { Feed, Tensors } from '../runtime/runtime.ts'
import { requireOutput, requireTensor } from './graph-output.ts'
import type { Sessions } from './sessions.ts'

/** One row per proposal, image after image: class logits `[R, K + 1]` and box deltas. */
export interface BoxHeadOutput {
  readonly logits: Float32Array
  readonly deltas: Float32Array
}

/** Not every device can run a graph on tensors of size zero. */
const NO_ROWS: BoxHeadOutput = { logits: new Float32Array(0), deltas: new Float32Array(0) }

/** The second stage on the proposals of a batch, pooled from maps that lie in the kernel's memory. */
export async function runPooledHead(
  { roi }: Pick<Manifest, 'roi'>,
  sessions: Pick<Sessions, 'open'>,
  align: RoiAlign,
  proposals: readonly Proposals[],
): Promise<BoxHeadOutput> {
  const boxes = concatBoxes(proposals)
  if (boxes.length === 0) return NO_ROWS
  const images = Uint32Array.from(proposals.flatMap(({ scores }, image) => Array<number>(scores.length).fill(image)))
  const session = await sessions.open('roiHead')
  const data = align.pool({ boxes, levels: assignLevels(boxes, roi), images }, roi)
  const [rows, { outputSize: size }] = [images.length, roi]
  const dims = [rows, data.length / (rows * size * size), size, size]
  const outputs = await session.run({ [POOLED_INPUT]: { dataType: 'float32', dims, data } })
  return { logits: requireOutput(outputs, 'class_logits').data, deltas: requireOutput(outputs, 'box_deltas').data }
}

/** The second stage on the proposals of a batch, pooled in its graph. */
export async function runBoxHead(
  manifest: Manifest,
  sessions: Pick<Sessions, 'open' | 'roiPooling'>,
  maps: Tensors,
  proposals: readonly Proposals[],
): Promise<BoxHeadOutput> {
  const { roi } = manifest
  const all = concatBoxes(proposals)
  if (all.length === 0) return NO_ROWS
  const { boxes, counts, order } = groupByLevel(all, assignLevels(all, roi), roi.levels.length)
  const groups = roi.levels.map((level, index): LevelRois => {
    const start = counts.slice(0, index).reduce((sum, count) => sum + count, 0)
    const end = start + (counts[index] ?? 0)
    return { level, boxes: boxes.slice(start * 4, end * 4), order: order.subarray(start, end) }
  })
  const session = await sessions.open('roiHead')
  if (sessions.roiPooling === 'operator') {
    const imageOf = proposals.flatMap(({ scores }, image) => Array<bigint>(scores.length).fill(BigInt(image)))
    const outputs = await session.run(Object.assign({}, ...groups.map((group) => roiFeeds(maps, group, imageOf))))
    return {
      logits: restoreOrder(requireOutput(outputs, 'class_logits').data, order),
      deltas: restoreOrder(requireOutput(outputs, 'box_deltas').data, order),
    }
  }
  const outputs = await session.run(Object.assign({}, ...groups.map((group) => gridFeeds(manifest, maps, group))))
  const rows = groups.map((group) => group.order.length)
  return {
    logits: restoreOrder(withoutFillers(requireOutput(outputs, 'class_logits').data, rows), order),
    deltas: restoreOrder(withoutFillers(requireOutput(outputs, 'box_deltas').data, rows), order),
  }
}

/** The boxes of one level, and which of all boxes they are. */
interface LevelRois {
  readonly level: string
  readonly boxes: Boxes
  readonly order: Uint32Array
}

type Feeds = Record<string, Feed>

function roiFeeds(maps: Tensors, { level, boxes, order }: LevelRois, imageOf: readonly bigint[]): Feeds {
  const count = order.length
  return {
    [level]: mapFeed(maps, level),
    [`rois_${level}`]: { dataType: 'float32', dims: [count, 4], data: boxes },
    [`batch_${level}`]: {
      dataType: 'int64',
      dims: [count],
      data: BigInt64Array.from(order, (box) => imageOf[box] ?? 0n),
    },
  }
}

/** For a head that samples by GridSample: one image, and a filler box on a level that no proposal fell to. */
function gridFeeds({ pyramid, roi }: Manifest, maps: Tensors, { level, boxes }: LevelRois): Feeds {
  const { dims } = requireTensor(maps, level)
  const { stride } = pyramid.find(({ name }) => name === level) as FeatureInfo
  const map = { height: dims[2] ?? 0, width: dims[3] ?? 0, stride }
  const rois = boxes.length > 0 ? boxes : Float32Array.of(0, 0, stride, stride)
  const side = roi.outputSize * roi.samplingRatio
  return {
    [level]: mapFeed(maps, level),
    [`grid_${level}`]: {
      dataType: 'float32',
      dims: [1, (rois.length / 4) * side, side, 2],
      data: roiGrid(rois, map, roi),
    },
  }
}

function mapFeed(maps: Tensors, level: string): Feed {
  const map = requireTensor(maps, level)
  return 'held' in map ? map : { dataType: 'float32', ...map }
}

/** @param rows how many boxes each level really had; a level without any gave one row for its filler. */
function withoutFillers(data: Float32Array, rows: readonly number[]): Float32Array {
  if (!rows.includes(0)) return data
  const columns = data.length / rows.reduce((sum, count) => sum + Math.max(count, 1), 0)
  const kept = new Float32Array(rows.reduce((sum, count) => sum + count, 0) * columns)
  let from = 0
  let to = 0
  for (const count of rows) {
    kept.set(data.subarray(from, from + count * columns), to)
    from += Math.max(count, 1) * columns
    to += count * columns
  }
  return kept
}

function concatBoxes(proposals: readonly Proposals[]): Boxes {
  const all = new Float32Array(proposals.reduce((length, { boxes }) => length + boxes.length, 0))
  let at = 0
  for (const { boxes } of proposals) {
    all.set(boxes, at)
    at += boxes.length
  }
  return all
}
