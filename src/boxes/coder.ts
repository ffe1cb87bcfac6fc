import { unexpected } from '../errors.ts'
import { type Boxes, type Corners, countBoxes, lastPixel } from './boxes.ts'

const { fround } = Math

/** How deltas stand for boxes. */
export interface BoxCoderSpec {
  /** Deltas are divided by these: for dx, dy, dw, dh. 1, 1, 1, 1 in an RPN and 10, 10, 5, 5 in a box head, as a rule. */
  readonly weights: readonly [number, number, number, number]
  /** The largest dw and dh after the weights, so that exp() stays finite: `log(1000 / 16)` as a rule. */
  readonly clamp: number
  /** What the corners of the reference boxes and of the decoded ones name; default `edges`. */
  readonly corners?: Corners | undefined
}

/** log(1000 / 16), the usual clamp: no box grows more than 62.5 times. */
export const LOG_1000_16: number = Math.log(1000 / 16)

/**
 * Decodes one box into `out` at `at`: the reference box x1..y2, moved and stretched by the four deltas. Float32 steps,
 * equal to `torchvision.models.detection._utils.BoxCoder.decode` with corners that are edges. NaN deltas give a NaN box.
 */
export function decodeBox(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  dx: number,
  dy: number,
  dw: number,
  dh: number,
  { weights, clamp, corners }: BoxCoderSpec,
  out: Boxes,
  at: number,
): void {
  const limit = fround(clamp)
  const pixel = lastPixel(corners)
  const end = corners === 'pixels' ? 1 : 0
  const width = fround(fround(x2 - x1) + pixel)
  const height = fround(fround(y2 - y1) + pixel)
  const centreX = fround(fround(fround(dx / fround(weights[0])) * width) + fround(x1 + fround(0.5 * width)))
  const centreY = fround(fround(fround(dy / fround(weights[1])) * height) + fround(y1 + fround(0.5 * height)))
  const growX = fround(dw / fround(weights[2]))
  const growY = fround(dh / fround(weights[3]))
  const halfWidth = fround(0.5 * fround(fround(Math.exp(Math.min(growX, limit))) * width))
  const halfHeight = fround(0.5 * fround(fround(Math.exp(Math.min(growY, limit))) * height))
  out[at] = centreX - halfWidth
  out[at + 1] = centreY - halfHeight
  out[at + 2] = fround(centreX + halfWidth) - end
  out[at + 3] = fround(centreY + halfHeight) - end
}

/**
 * Decodes one row of deltas (dx, dy, dw, dh) per reference box (Girshick et al. 2014, appendix C).
 *
 * @param deltas `N * 4` numbers.
 * @param references N anchors or proposals.
 * @throws VertebraError `INVALID_ARGUMENT` when lengths do not fit.
 *
 * @example
 * const coder = { weights: [1, 1, 1, 1], clamp: LOG_1000_16 } as const
 * decodeBoxes(Float32Array.of(0.5, 0, 0, 0), Float32Array.of(0, 0, 10, 10), coder) // Float32Array [5, 0, 15, 10]
 */
export function decodeBoxes(deltas: Float32Array, references: Boxes, coder: BoxCoderSpec): Boxes {
  countBoxes(references, 'references')
  if (deltas.length !== references.length) throw unexpected('deltas', `${references.length} numbers`, deltas.length)
  const out = new Float32Array(references.length)
  for (let i = 0; i < out.length; i += 4) {
    decodeBox(
      references[i] as number,
      references[i + 1] as number,
      references[i + 2] as number,
      references[i + 3] as number,
      deltas[i] as number,
      deltas[i + 1] as number,
      deltas[i + 2] as number,
      deltas[i + 3] as number,
      coder,
      out,
      i,
    )
  }
  return out
}

/**
 * The deltas that `decodeBoxes` turns back into `targets` (with `pixels-caffe`, one pixel larger), as `BoxCoder.encode`
 * of torchvision. Boxes without area give infinite or NaN deltas.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when lengths do not fit.
 */
export function encodeBoxes(targets: Boxes, references: Boxes, { weights, corners }: BoxCoderSpec): Float32Array {
  countBoxes(references, 'references')
  if (targets.length !== references.length) throw unexpected('targets', `${references.length} numbers`, targets.length)
  const deltas = new Float32Array(targets.length)
  const pixel = lastPixel(corners)
  for (let i = 0; i < deltas.length; i += 4) {
    for (let axis = 0; axis < 2; axis++) {
      const from = references[i + axis] as number
      const start = targets[i + axis] as number
      const length = fround(fround((references[i + axis + 2] as number) - from) + pixel)
      const wanted = fround(fround((targets[i + axis + 2] as number) - start) + pixel)
      const shift = fround(fround(start + fround(0.5 * wanted)) - fround(from + fround(0.5 * length)))
      deltas[i + axis] = fround(fround((weights[axis] as number) * shift) / length)
      deltas[i + axis + 2] = (weights[axis + 2] as number) * fround(Math.log(fround(wanted / length)))
    }
  }
  return deltas
}
