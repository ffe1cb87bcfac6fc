import type { Boxes, Corners } from '../boxes/boxes.ts'
import { nms } from '../boxes/nms.ts'
import { type SoftNmsResult, softNms } from '../boxes/soft-nms.ts'
import { topK } from '../boxes/top-k.ts'

/** Which overlapping detections go. */
export interface NmsSpec {
  /**
   * `per-class`: a box suppresses only boxes of its own class. `agnostic`: of any class. `soft-linear`, `soft-gaussian`:
   * scores are lowered within a class (Soft-NMS), and what falls below the score threshold goes.
   */
  readonly kind: 'per-class' | 'agnostic' | 'soft-linear' | 'soft-gaussian'
  /** IoU above which a box suppresses another. Not used by `soft-gaussian`. */
  readonly iouThreshold: number
  /** Of `soft-gaussian` only. Default 0.5. */
  readonly sigma?: number | undefined
}

/** Which boxes become detections. */
export interface SuppressionRule {
  /** Detections must have a score above this. */
  readonly scoreThreshold: number
  /** `none` where the network has done it, or needs none; `iouThreshold` is then that of a call that asks for some. */
  readonly nms: Omit<NmsSpec, 'kind'> & { readonly kind: NmsSpec['kind'] | 'none' }
  /** Detections kept per image, by score. */
  readonly maxDetections: number
}

/**
 * The boxes of one image that stay, highest score first, and their scores, which Soft-NMS lowers. Of equal scores the first
 * comes first.
 *
 * @param classes of the boxes.
 * @param corners what the corners of the boxes name. Default: `edges`.
 * @throws VertebraError `INVALID_ARGUMENT` for a threshold that is out of its range.
 */
export function suppress(
  boxes: Boxes,
  scores: Float32Array,
  classes: Uint16Array,
  { scoreThreshold: minScore, nms: { kind, iouThreshold, sigma }, maxDetections: maxCount }: SuppressionRule,
  corners?: Corners,
): SoftNmsResult {
  const groups = kind === 'agnostic' ? undefined : classes
  const options = { groups, maxCount, corners }
  if (kind === 'soft-linear' || kind === 'soft-gaussian') {
    const soft = kind === 'soft-linear' ? 'linear' : 'gaussian'
    return softNms(boxes, scores, { ...options, kind: soft, iouThreshold, sigma, minScore })
  }
  const indices = kind === 'none' ? topK(scores, maxCount) : nms(boxes, scores, iouThreshold, options)
  return { indices, scores: Float32Array.from(indices, (index) => scores[index] as number) }
}
