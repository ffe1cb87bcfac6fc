import { type Boxes, countBoxes, lastPixel, type Size } from '../boxes/boxes.ts'
import { decodeBoxes } from '../boxes/coder.ts'
import type { HeadOutput, PostprocessOptions } from './postprocess.ts'
import { clipAndMeasure } from './proposals.ts'

/** Whether boxes go through the box head once more. */
export interface RefinementSpec {
  /**
   * How often the boxes that the head gave become its proposals again; class logits are the mean of all passes, boxes those of
   * the last. Default 0. (He et al. 2015, appendix B; Gidaris and Komodakis 2015, arXiv:1505.01749.)
   */
  readonly refinements?: number | undefined
  /** Only what is an object of some class with at least this probability, by the passes so far, goes through it again. Default 0: all. */
  readonly refinementThreshold?: number | undefined
}

/** What the box head made of boxes, and those. */
export type Pass = Omit<HeadOutput, 'objectness'>

/**
 * The boxes that the head made of the R proposals of one image, as proposals of another pass: each decoded from its deltas,
 * where there are some for each class from those of its likeliest class, and clipped to the image. A proposal whose box is smaller
 * than `minSize` or NaN stays as it is.
 *
 * @param size of the image before padding, in pixels of the network's input.
 * @returns `R * 4` numbers in pixels of the network's input.
 * @example
 * const again = refineProposals({ logits, deltas, proposals }, { width: 512, height: 384 }, manifest.head)
 */
export function refineProposals(
  { logits, deltas, proposals }: Pass,
  size: Size,
  { boxCoder, classAgnostic, minSize }: Pick<PostprocessOptions, 'boxCoder' | 'classAgnostic' | 'minSize'>,
): Boxes {
  const own = classAgnostic ? deltas : ofLikeliestClass(logits, deltas, countBoxes(proposals, 'proposals'))
  const boxes = decodeBoxes(own, proposals, boxCoder)
  const pixel = lastPixel(boxCoder.corners)
  for (let at = 0; at < boxes.length; at += 4) {
    if (!clipAndMeasure(boxes, at, size, minSize, pixel)) boxes.set(proposals.subarray(at, at + 4), at)
  }
  return boxes
}

/** Four deltas for each row: those of the class with the largest logit, which is never background. */
function ofLikeliestClass(logits: Float32Array, deltas: Float32Array, rows: number): Float32Array {
  const width = logits.length / rows
  const own = new Float32Array(rows * 4)
  for (let row = 0; row < rows; row++) {
    const start = row * width
    let best = 1
    for (let column = 2; column < width; column++) {
      if ((logits[start + column] as number) > (logits[start + best] as number)) best = column
    }
    const from = (start + best) * 4
    own.set(deltas.subarray(from, from + 4), row * 4)
  }
  return own
}
