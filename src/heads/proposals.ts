import { type AnchorSpec, anchorStride, cellAnchors } from '../boxes/anchors.ts'
import { type Boxes, lastPixel, type Size } from '../boxes/boxes.ts'
import { type BoxCoderSpec, decodeBox } from '../boxes/coder.ts'
import { nms } from '../boxes/nms.ts'
import { topK } from '../boxes/top-k.ts'
import { unexpected } from '../errors.ts'
import { takeRows } from './rows.ts'

const { fround } = Math

/** How proposals are chosen from the RPN's output. */
export interface ProposalOptions {
  /** Anchors taken per level, by logit, before NMS. */
  readonly preNmsTopN: number
  /** Proposals kept over all levels together, by score, after NMS. */
  readonly postNmsTopN: number
  /** IoU above which the lower of two proposals of one level goes. */
  readonly nmsThreshold: number
  /** Proposals narrower or lower than this many pixels are dropped. */
  readonly minSize: number
  /** Whose pixels `minSize` counts: those of the network's input, the default, or of the photo (py-faster-rcnn). */
  readonly minSizeOf?: 'input' | 'photo' | undefined
  /** What proposals are clipped to: the photo in the network's input, the default, or the whole padded input (ChainerCV). */
  readonly clipTo?: 'image' | 'padded' | undefined
  /** Proposals with a score below this are dropped. */
  readonly scoreThreshold: number
  readonly boxCoder: BoxCoderSpec
}

/** The RPN's output of one level for a batch of N images, as it comes from the graph (NCHW). */
export interface RpnLevelOutput {
  /** Logits `[N, A, height, width]`. */
  readonly objectness: Float32Array
  /** Deltas `[N, 4 A, height, width]`; plane `4 a + i` is delta i of anchor a. */
  readonly deltas: Float32Array
  readonly height: number
  readonly width: number
}

/** R proposals, highest score first. */
export interface Proposals {
  /** `R * 4` numbers in pixels of the network's input. */
  readonly boxes: Boxes
  readonly scores: Float32Array
}

/**
 * The proposals of one image. Equal to `RegionProposalNetwork.filter_proposals` of torchvision 0.29: per level the
 * anchors with the highest logits, decoded, clipped to the image, small ones dropped, NMS per level, then the best of
 * all levels.
 *
 * Of equal scores the lower level, then the lower anchor index (row, column, anchor) comes first. NaN logits are left
 * out, and so are boxes that NaN deltas made; infinite logits rank as numbers do.
 *
 * @param levels outputs in the order of `anchors.levels`.
 * @param image index in the batch.
 * @param size of the image before padding, in pixels of the network's input: what boxes are clipped to.
 * @param padded size of the network's input.
 * @param scale pixels of the input per pixel of the photo; only for `minSizeOf: 'photo'`.
 * @throws VertebraError `INVALID_ARGUMENT` when the outputs are not of the shapes that the anchors ask for.
 */
export function selectProposals(
  levels: readonly RpnLevelOutput[],
  image: number,
  size: Size,
  padded: Size,
  anchors: AnchorSpec,
  options: ProposalOptions,
  scale = 1,
): Proposals {
  if (levels.length !== anchors.levels.length) {
    throw unexpected('levels', `${anchors.levels.length} RPN outputs, one per anchor level,`, levels.length)
  }
  const capacity = levels.reduce((sum, { objectness }) => sum + Math.min(options.preNmsTopN, objectness.length), 0)
  const boxes = new Float32Array(capacity * 4)
  const scores = new Float32Array(capacity)
  const levelOf = new Uint8Array(capacity)
  const minSize = fround(options.minSize * (options.minSizeOf === 'photo' ? scale : 1))
  const bounds = options.clipTo === 'padded' ? padded : size
  const { corners } = options.boxCoder
  const pixel = lastPixel(corners)
  const scoreThreshold = fround(options.scoreThreshold)

  let count = 0
  levels.forEach((level, l) => {
    const spec = anchors.levels[l] as AnchorSpec['levels'][number]
    const base = cellAnchors(spec, anchors)
    const perCell = base.length / 4
    const { objectness, deltas, width } = level
    const cells = level.height * width
    const first = image * perCell * cells
    checkShape(level, `RPN level ${spec.feature}`, perCell * cells, image)
    const stride = anchorStride(spec, anchors.strideRule, level, padded)

    const best = topK(objectness, options.preNmsTopN, { offset: first, planes: perCell, cells })
    for (let rank = 0; rank < best.length; rank++) {
      const index = best[rank] as number
      const anchor = index % perCell
      const cell = (index - anchor) / perCell
      const logit = objectness[first + anchor * cells + cell] as number
      const score = fround(1 / fround(1 + fround(Math.exp(-logit))))
      // Logits only fall from here.
      if (!(score >= scoreThreshold)) break

      const column = cell % width
      const shiftX = fround((column + anchors.offset) * stride.x)
      const shiftY = fround(((cell - column) / width + anchors.offset) * stride.y)
      const plane = (first + anchor * cells) * 4 + cell
      const at = count * 4
      decodeBox(
        fround((base[anchor * 4] as number) + shiftX),
        fround((base[anchor * 4 + 1] as number) + shiftY),
        fround((base[anchor * 4 + 2] as number) + shiftX),
        fround((base[anchor * 4 + 3] as number) + shiftY),
        deltas[plane] as number,
        deltas[plane + cells] as number,
        deltas[plane + 2 * cells] as number,
        deltas[plane + 3 * cells] as number,
        options.boxCoder,
        boxes,
        at,
      )
      if (!clipAndMeasure(boxes, at, bounds, minSize, pixel)) continue
      scores[count] = score
      levelOf[count++] = l
    }
  })

  const kept = nms(boxes.subarray(0, count * 4), scores.subarray(0, count), options.nmsThreshold, {
    groups: levelOf.subarray(0, count),
    maxCount: options.postNmsTopN,
    corners,
  })
  return { boxes: takeRows(boxes, kept, capacity), scores: Float32Array.from(kept, (index) => scores[index] as number) }
}

/**
 * Clips the box at `at` in place, and says whether both its sides are at least `minSize`. A NaN corner is not.
 *
 * @param pixel 1 where corners name pixels: see `lastPixel`.
 */
export function clipAndMeasure(boxes: Boxes, at: number, size: Size, minSize: number, pixel: 0 | 1): boolean {
  const right = size.width - pixel
  const bottom = size.height - pixel
  const x1 = Math.min(Math.max(boxes[at] as number, 0), right)
  const y1 = Math.min(Math.max(boxes[at + 1] as number, 0), bottom)
  const x2 = Math.min(Math.max(boxes[at + 2] as number, 0), right)
  const y2 = Math.min(Math.max(boxes[at + 3] as number, 0), bottom)
  boxes[at] = x1
  boxes[at + 1] = y1
  boxes[at + 2] = x2
  boxes[at + 3] = y2
  return fround(fround(x2 - x1) + pixel) >= minSize && fround(fround(y2 - y1) + pixel) >= minSize
}

function checkShape(
  { objectness, deltas, height, width }: RpnLevelOutput,
  name: string,
  perImage: number,
  image: number,
) {
  const images = objectness.length / perImage
  if (!(Number.isInteger(images) && images >= 1)) {
    throw unexpected(
      `objectness of ${name}`,
      `${perImage} numbers per image (${height} x ${width} cells)`,
      objectness.length,
    )
  }
  if (deltas.length !== objectness.length * 4) {
    throw unexpected(`deltas of ${name}`, `${objectness.length * 4} numbers`, deltas.length)
  }
  if (!(Number.isInteger(image) && image >= 0 && image < images)) {
    throw unexpected('image', `an index below ${images}`, image)
  }
}
