import type { FeatureInfo } from '../architectures/feature.ts'
import type { Boxes } from '../boxes/boxes.ts'
import { assignLevels, groupByLevel, restoreOrder } from '../heads/levels.ts'
import type { RoiAlign } from '../heads/roi-align.ts'
import { roiGrid } from '../heads/roi-grid.ts'
import type { Manifest } from '../models/manifest.ts'
import { POOLED_INPUT } from '../onnx/transforms/roi-align-to-input.ts'
import type { Feed, Tensors } from '../runtime/runtime.ts'
import { requireTensor } from './graph-output.ts'
import type { NetworkRun } from './pooled-maps.ts'
import type { Sessions } from './sessions.ts'

/** What the box head is fed for the R > 0 proposals of a batch. */
export interface PooledBoxes {
  readonly feeds: Feeds
  /** One of its outputs with the rows in the order of the proposals, image after image. */
  inOrder(output: Float32Array): Float32Array
}

type Feeds = Readonly<Record<string, Feed>>

/**
 * Pools the proposals of a batch from the maps: here, where they lie in the kernel's memory, else it is left to the head's graph,
 * which is told where to sample.
 *
 * @returns undefined without proposals: not every device can run a graph on tensors of size zero.
 */
export function poolBoxes(
  manifest: Pick<Manifest, 'roi' | 'pyramid'>,
  { roiPooling }: Pick<Sessions, 'roiPooling'>,
  { tensors, align }: NetworkRun,
  proposals: readonly Boxes[],
): PooledBoxes | undefined {
  const boxes = concatBoxes(proposals)
  if (boxes.length === 0) return undefined
  if (align) return pooledHere(manifest, align, boxes, imagesOf(proposals))
  const { roi } = manifest
  const grouped = groupByLevel(boxes, assignLevels(boxes, roi), roi.levels.length)
  const groups = roi.levels.map((level, index): LevelRois => {
    const start = grouped.counts.slice(0, index).reduce((sum, count) => sum + count, 0)
    const end = start + (grouped.counts[index] ?? 0)
    return { level, boxes: grouped.boxes.slice(start * 4, end * 4), order: grouped.order.subarray(start, end) }
  })
  if (roiPooling === 'operator') {
    const images = imagesOf(proposals)
    return {
      feeds: Object.assign({}, ...groups.map((group) => roiFeeds(tensors, group, images))),
      inOrder: (output) => restoreOrder(output, grouped.order),
    }
  }
  const rows = groups.map(({ order }) => order.length)
  return {
    feeds: Object.assign({}, ...groups.map((group) => gridFeeds(manifest, tensors, group))),
    inOrder: (output) => restoreOrder(withoutFillers(output, rows), grouped.order),
  }
}

function pooledHere({ roi }: Pick<Manifest, 'roi'>, align: RoiAlign, boxes: Boxes, images: Uint32Array): PooledBoxes {
  const data = align.pool({ boxes, levels: assignLevels(boxes, roi), images }, roi)
  const [rows, { outputSize: size }] = [images.length, roi]
  const dims = [rows, data.length / (rows * size * size), size, size]
  return { feeds: { [POOLED_INPUT]: { dataType: 'float32', dims, data } }, inOrder: (output) => output }
}

/** The boxes of one level, and which of all boxes they are. */
interface LevelRois {
  readonly level: string
  readonly boxes: Boxes
  readonly order: Uint32Array
}

function roiFeeds(maps: Tensors, { level, boxes, order }: LevelRois, images: Uint32Array): Feeds {
  const count = order.length
  return {
    [level]: mapFeed(maps, level),
    [`rois_${level}`]: { dataType: 'float32', dims: [count, 4], data: boxes },
    [`batch_${level}`]: {
      dataType: 'int64',
      dims: [count],
      data: BigInt64Array.from(order, (box) => BigInt(images[box] ?? 0)),
    },
  }
}

/** For a head that samples by GridSample: one image, and a filler box on a level that no proposal fell to. */
function gridFeeds(
  { pyramid, roi }: Pick<Manifest, 'roi' | 'pyramid'>,
  maps: Tensors,
  { level, boxes }: LevelRois,
): Feeds {
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

function concatBoxes(proposals: readonly Boxes[]): Boxes {
  const all = new Float32Array(proposals.reduce((length, boxes) => length + boxes.length, 0))
  let at = 0
  for (const boxes of proposals) {
    all.set(boxes, at)
    at += boxes.length
  }
  return all
}

/** The image that each proposal is of. */
function imagesOf(proposals: readonly Boxes[]): Uint32Array {
  return Uint32Array.from(proposals.flatMap((boxes, image) => Array<number>(boxes.length / 4).fill(image)))
}
