import { type Boxes, countBoxes, lastPixel, type Size } from '../boxes/boxes.ts'
import { decodeBox } from '../boxes/coder.ts'
import type { HeadOutput, PostprocessOptions } from './postprocess.ts'
import { clipAndMeasure } from './proposals.ts'

/** Whether boxes go through the box head once more. */
export interface RefinementSpec {
  /**
   * How often the boxes that the head gave become its proposals again; class logits are the mean of all passes, boxes those of
   * the last. Default 0. (He et al. 2015, appendix B; Gidaris and Komodakis 2015, arXiv:1505.01749.)
   */
  readonly refinements?: number | undefined
}

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
  { logits, deltas, proposals }: HeadOutput,
  size: Size,
  { boxCoder, classAgnostic, minSize }: Pick<PostprocessOptions, 'boxCoder' | 'classAgnostic' | 'minSize'>,
): Boxes {
  const rows = countBoxes(proposals, 'proposals')
  const width = rows === 0 ? 0 : logits.length / rows
  const refined = new Float32Array(proposals)
  const box = new Float32Array(4)
  const pixel = lastPixel(boxCoder.corners)
  for (let row = 0; row < rows; row++) {
    const at = row * 4
    const delta = classAgnostic ? at : (row * width + likeliest(logits, row * width, width)) * 4
    decodeBox(
      proposals[at] as number,
      proposals[at + 1] as number,
      proposals[at + 2] as number,
      proposals[at + 3] as number,
      deltas[delta] as number,
      deltas[delta + 1] as number,
      deltas[delta + 2] as number,
      deltas[delta + 3] as number,
      boxCoder,
      box,
      0,
    )
    if (clipAndMeasure(box, 0, size, minSize, pixel)) refined.set(box, at)
  }
  return refined
}

/** The column of the largest logit of a row but background's. */
function likeliest(logits: Float32Array, start: number, width: number): number {
  let best = 1
  for (let column = 2; column < width; column++) {
    if ((logits[start + column] as number) > (logits[start + best] as number)) best = column
  }
  return best
}
