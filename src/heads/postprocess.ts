import { type Boxes, countBoxes, lastPixel, type Size, scaleBoxes } from '../boxes/boxes.ts'
import { type BoxCoderSpec, decodeBox } from '../boxes/coder.ts'
import { unexpected } from '../errors.ts'
import { clipAndMeasure } from './proposals.ts'
import { expRow, scoreBound } from './softmax.ts'
import { type NmsSpec, suppress } from './suppress.ts'

const { fround } = Math

/** How detections are made of the box head's output. */
export interface PostprocessOptions {
  readonly boxCoder: BoxCoderSpec
  /** One box per proposal for all classes (deltas `[R, 4]`) instead of one per class (`[R, 4 (K + 1)]`). */
  readonly classAgnostic: boolean
  /** Detections must have a score above this. */
  readonly scoreThreshold: number
  readonly nms: NmsSpec
  /** Detections narrower or lower than this many pixels of the network's input are dropped. */
  readonly minSize: number
  /** Detections kept per image, by score. */
  readonly maxDetections: number
  /**
   * When boxes leave the pixels of the network's input for the photo's: `after-nms`, the default (torchvision, Detectron2),
   * `before-nms` (faster-rcnn.pytorch), or `before-decoding` (py-faster-rcnn, ChainerCV). It matters where corners name
   * pixels, because then a side has one more pixel whatever the scale.
   */
  readonly toPhoto?: 'before-decoding' | 'before-nms' | 'after-nms' | undefined
  /**
   * A score is the class's probability times this power of the proposal's objectness: what both networks hold for an object
   * is one more often. Default 0: the probability alone. (Zhou, Koltun and Krähenbühl 2021, arXiv:2103.07461.)
   */
  readonly objectnessPower?: number | undefined
}

/** A photo, and where that is not the ratio of the sides, how many pixels of the network's input one of its pixels is. */
export interface PhotoSize extends Size {
  readonly scaleX?: number
  readonly scaleY?: number
}

/** The box head's output for the R proposals of one image. */
export interface HeadOutput {
  /** Class logits `[R, K + 1]`; column 0 is background. */
  readonly logits: Float32Array
  /** Deltas `[R, 4 (K + 1)]`, or `[R, 4]` when they are class-agnostic. */
  readonly deltas: Float32Array
  /** The proposals, in pixels of the network's input. */
  readonly proposals: Boxes
  /** Scores of the proposals, 0 to 1. */
  readonly objectness: Float32Array
}

/** D detections, highest score first. */
export interface DetectedBoxes {
  /** `D * 4` numbers in pixels of the photo. */
  readonly boxes: Boxes
  readonly scores: Float32Array
  /** Index of the class among the K labels, from 0. */
  readonly classes: Uint16Array
}

/**
 * The detections of one image, in the photo's own pixels. With `per-class` NMS equal to
 * `RoIHeads.postprocess_detections` and `GeneralizedRCNNTransform.postprocess` of torchvision 0.29; then clipped to the
 * photo. Where corners name pixels inside, x2 and y2 of the detections are one larger, so that they are edges as well.
 *
 * Softmax times a power of the objectness, boxes decoded only where a score passes, clipped to the image, small ones
 * dropped, NMS, the best `maxDetections`. Of equal scores the lower proposal, then the lower class comes first. A row with
 * a NaN or +Infinity logit has no scores and gives nothing; a box that NaN deltas made is dropped.
 *
 * @param size of the image before padding, in pixels of the network's input.
 * @param photo size of the photo.
 * @param classes only these class indices (from 0), chosen before NMS. Default: all.
 * @throws VertebraError `INVALID_ARGUMENT` when shapes do not fit or a class does not exist.
 */
export function postprocess(
  { logits, deltas, proposals, objectness }: HeadOutput,
  size: Size,
  photo: PhotoSize,
  options: PostprocessOptions,
  classes?: Iterable<number>,
): DetectedBoxes {
  const rows = countBoxes(proposals, 'proposals')
  if (rows === 0) return { boxes: new Float32Array(0), scores: new Float32Array(0), classes: new Uint16Array(0) }
  const width = logits.length / rows
  if (!(Number.isInteger(width) && width >= 2)) {
    throw unexpected('logits', `K + 1 numbers for each of the ${rows} proposals`, logits.length)
  }
  const deltaWidth = options.classAgnostic ? 4 : 4 * width
  if (deltas.length !== rows * deltaWidth) throw unexpected('deltas', `${rows} x ${deltaWidth} numbers`, deltas.length)
  const columns = chosenColumns(classes, width)

  const threshold = fround(options.scoreThreshold)
  const minSize = fround(options.minSize)
  // The scores of a row sum to 1 at most, so no more than this many can be above the threshold.
  const perRow = Math.min(columns.length, Math.floor(1.001 / threshold))
  const boxes = new Float32Array(rows * perRow * 4)
  const scores = new Float32Array(rows * perRow)
  const labels = new Uint16Array(rows * perRow)
  const exponentials = new Float32Array(width)
  const { toPhoto = 'after-nms', boxCoder, objectnessPower = 0 } = options
  const { corners } = boxCoder
  const pixel = lastPixel(corners)
  const ratioX = fround(photo.scaleX ? 1 / photo.scaleX : photo.width / size.width)
  const ratioY = fround(photo.scaleY ? 1 / photo.scaleY : photo.height / size.height)
  const isEarly = toPhoto === 'before-decoding'
  const references = isEarly ? scaleBoxes(proposals, ratioX, ratioY) : proposals
  const bounds = isEarly ? photo : size

  let count = 0
  for (let row = 0; row < rows; row++) {
    const weight = fround((objectness[row] as number) ** objectnessPower)
    if (!(fround(scoreBound(logits, row * width, width) * weight) > threshold)) continue
    const sum = expRow(logits, row * width, exponentials)
    for (let c = 0; c < columns.length; c++) {
      const column = columns[c] as number
      const score = fround(fround((exponentials[column] as number) / sum) * weight)
      if (!(score > threshold)) continue
      const at = count * 4
      const delta = row * deltaWidth + (options.classAgnostic ? 0 : column * 4)
      decodeBox(
        references[row * 4] as number,
        references[row * 4 + 1] as number,
        references[row * 4 + 2] as number,
        references[row * 4 + 3] as number,
        deltas[delta] as number,
        deltas[delta + 1] as number,
        deltas[delta + 2] as number,
        deltas[delta + 3] as number,
        boxCoder,
        boxes,
        at,
      )
      if (!clipAndMeasure(boxes, at, bounds, minSize, pixel)) continue
      scores[count] = score
      labels[count++] = column - 1
    }
  }

  const found = boxes.subarray(0, count * 4)
  const inPhoto = toPhoto === 'before-nms' ? scaleBoxes(found, ratioX, ratioY) : found
  const kept = suppress(inPhoto, scores.subarray(0, count), labels.subarray(0, count), options, corners)
  const isLate = toPhoto === 'after-nms'
  return {
    boxes: photoBoxes(inPhoto, kept.indices, isLate ? ratioX : 1, isLate ? ratioY : 1, pixel, photo),
    scores: kept.scores,
    classes: Uint16Array.from(kept.indices, (index) => labels[index] as number),
  }
}

/** The chosen boxes times a ratio per axis, with edges as corners, clipped to the photo. */
function photoBoxes(
  boxes: Boxes,
  indices: Uint32Array,
  ratioX: number,
  ratioY: number,
  pixel: 0 | 1,
  photo: Size,
): Boxes {
  const out = new Float32Array(indices.length * 4)
  for (let i = 0; i < out.length; i++) {
    const value = boxes[(indices[i >> 2] as number) * 4 + (i & 3)] as number
    const scaled = fround(value * (i % 2 === 0 ? ratioX : ratioY)) + (i % 4 >= 2 ? pixel : 0)
    out[i] = Math.min(scaled, i % 2 === 0 ? photo.width : photo.height)
  }
  return out
}

/** Columns of the logits for the wanted classes, ascending, each once. */
function chosenColumns(classes: Iterable<number> | undefined, width: number): Uint16Array {
  if (!classes) return Uint16Array.from({ length: width - 1 }, (_, k) => k + 1)
  const chosen = new Set(classes)
  for (const k of chosen) {
    if (!(Number.isInteger(k) && k >= 0 && k < width - 1)) {
      throw unexpected('classes', `class indices from 0 to ${width - 2}`, k)
    }
  }
  return Uint16Array.from(chosen, (k) => k + 1).sort()
}
