import { type Boxes, type Corners, countBoxes, lastPixel } from '../boxes/boxes.ts'
import { unexpected } from '../errors.ts'
import { putRows, takeRows } from './rows.ts'

const { fround } = Math

/** How the features of proposals are pooled. */
export interface RoiSpec {
  /** Features pooled from, finest first, without gaps. */
  readonly levels: readonly string[]
  /** A box of this side (square root of the area, pixels) belongs to `canonicalLevel`. */
  readonly canonicalScale: number
  readonly canonicalLevel: number
  /** The pyramid level of `levels[0]`. */
  readonly minLevel: number
  /** What the corners of the boxes name when their size decides the level; default `edges`. */
  readonly corners?: Corners | undefined
  /**
   * RoIAlign (bilinear samples), RoIPool (maximum of rounded bins), or `bin-corners`: one bilinear sample at each corner of
   * the bins, and the mean of a bin's four (faster-rcnn.pytorch).
   */
  readonly pooling: 'align' | 'pool' | 'bin-corners'
  /** Bins per side. */
  readonly outputSize: number
  /** RoIAlign's samples per bin and side; 0: as many as the bin has cells. */
  readonly samplingRatio: number
  /** RoIAlign's half-pixel shift. */
  readonly aligned: boolean
  /** RoIAlign pools up to x2 + 1 and y2 + 1, and boxes of less than a cell as they are (MMDetection 1); default false. */
  readonly lastPixel?: boolean | undefined
}

/** R boxes sorted by level, in their old order within each. */
export interface LevelGroups {
  /** `R * 4` numbers: the boxes of level 0, then those of level 1, … */
  readonly boxes: Boxes
  /** How many boxes each level has. */
  readonly counts: readonly number[]
  /** Old index of each sorted box: sorted box i was box `order[i]`. */
  readonly order: Uint32Array
}

/**
 * The index into `roi.levels` for each box: equation 1 of the FPN paper (Lin et al. 2017),
 * `floor(canonicalLevel + log2(sqrt(area) / canonicalScale) + 1e-6)`, clamped. Equal to torchvision's `LevelMapper`.
 *
 * @example
 * const roi = { levels: ['p3', 'p4', 'p5'], canonicalScale: 224, canonicalLevel: 4, minLevel: 3 }
 * assignLevels(Float32Array.of(0, 0, 100, 100, 0, 0, 224, 224), roi) // Uint8Array [0, 1]
 */
export function assignLevels(
  boxes: Boxes,
  {
    levels,
    canonicalScale,
    canonicalLevel,
    minLevel,
    corners,
  }: Pick<RoiSpec, 'levels' | 'canonicalScale' | 'canonicalLevel' | 'minLevel' | 'corners'>,
): Uint8Array {
  const assigned = new Uint8Array(countBoxes(boxes))
  const epsilon = fround(1e-6)
  const pixel = lastPixel(corners)
  for (let i = 0, b = 0; i < assigned.length; i++, b += 4) {
    const width = fround(fround((boxes[b + 2] as number) - (boxes[b] as number)) + pixel)
    const height = fround(fround((boxes[b + 3] as number) - (boxes[b + 1] as number)) + pixel)
    const side = fround(Math.sqrt(fround(width * height)))
    const octave = fround(Math.log2(fround(side / fround(canonicalScale))))
    const level = Math.floor(fround(fround(canonicalLevel + octave) + epsilon)) - minLevel
    // A box without area has octave -Infinity; one that is NaN goes to the finest level too.
    assigned[i] = level >= 0 ? Math.min(level, levels.length - 1) : 0
  }
  return assigned
}

/**
 * Sorts boxes by level, stably, so that each level's can be pooled from one view.
 *
 * @param assigned the level index of each box, from `assignLevels`.
 * @param levelCount how many levels there are.
 * @throws VertebraError `INVALID_ARGUMENT` when lengths do not fit or a level is out of range.
 */
export function groupByLevel(boxes: Boxes, assigned: Uint8Array, levelCount: number): LevelGroups {
  const count = countBoxes(boxes)
  if (assigned.length !== count) throw unexpected('assigned', `${count} levels, one per box,`, assigned.length)
  const starts = new Uint32Array(levelCount + 1)
  for (const level of assigned) {
    if (level >= levelCount) throw unexpected('assigned', `levels below ${levelCount}`, level)
    starts[level + 1] = (starts[level + 1] as number) + 1
  }
  const counts = Array.from(starts.subarray(1))
  for (let level = 1; level <= levelCount; level++) {
    starts[level] = (starts[level] as number) + (starts[level - 1] as number)
  }
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    const level = assigned[i] as number
    const at = starts[level] as number
    starts[level] = at + 1
    order[at] = i
  }
  return { boxes: takeRows(boxes, order, count), counts, order }
}

/**
 * Puts rows that were computed for the sorted boxes of `groupByLevel` back into the old order.
 *
 * @param rows `R * width` numbers, row i of sorted box i.
 * @throws VertebraError `INVALID_ARGUMENT` when there is not a whole number of columns.
 */
export function restoreOrder(rows: Float32Array, order: Uint32Array): Float32Array {
  const columns = order.length === 0 ? 0 : rows.length / order.length
  if (!Number.isInteger(columns)) throw unexpected('rows', `a multiple of ${order.length} numbers`, rows.length)
  const restored = new Float32Array(rows.length)
  putRows(rows, restored, order)
  return restored
}
