/**
 * How the network's input follows from the photo. The aspect ratio is kept except by `exact`, and all of the photo except by
 * `crop`.
 *
 * - `longer`: the longer side becomes `size`, up or down.
 * - `shorter`: the shorter side becomes `size`, unless the longer one would then pass `max`: then that becomes `max`
 *   (torchvision's `GeneralizedRCNNTransform`, Detectron2's `ResizeShortestEdge`).
 * - `exact`: every photo becomes `width` x `height`.
 * - `crop`: the shorter side becomes `size`, the other `floor(size * longer / shorter)`, and the middle `width` x `height` of
 *   that is taken; for classifiers (torchvision's `Resize` and `CenterCrop`). `size` is at least the larger of both.
 * - `fit`: as large as fits into `width` x `height`, up or down, and padded to exactly that (YOLOX's `preproc`).
 * - `none`: every photo keeps its size; for networks that resize inside.
 */
export type ResizeRule =
  | { readonly rule: 'longer'; readonly size: number; readonly rounding: SizeRounding }
  | { readonly rule: 'shorter'; readonly size: number; readonly max: number; readonly rounding: SizeRounding }
  | { readonly rule: 'exact'; readonly width: number; readonly height: number }
  | { readonly rule: 'crop'; readonly size: number; readonly width: number; readonly height: number }
  | { readonly rule: 'fit'; readonly width: number; readonly height: number }
  | { readonly rule: 'none' }

/**
 * How the other side becomes whole pixels: `half-up` is `int(x + 0.5)` (Detectron2, mmdetection), `nearest` rounds ties
 * to even (Python's `round`), `floor` is torchvision's rule (its releases that still took the scale as a float32 come out
 * 1 pixel smaller for some sizes).
 */
export type SizeRounding = 'half-up' | 'nearest' | 'floor'

/**
 * `bilinear` takes the four nearest pixels (half-pixel centres, no antialias: torch `interpolate(mode='bilinear',
 * align_corners=False)`, cv2 `INTER_LINEAR`). `antialias` widens its triangle when shrinking (Pillow's `BILINEAR`,
 * torch's `antialias=True`).
 */
export type ResizeFilter = 'bilinear' | 'antialias'

/**
 * `uint8` rounds the resized photo to whole levels, as a reference that resizes picture files does; `float32` does not,
 * as a reference that resizes tensors.
 */
export type ResizeOutput = 'uint8' | 'float32'

/**
 * Input pixels per photo pixel, for sampling and for bringing boxes back: `sides`, the ratio of the whole-pixel sides, per
 * axis; or `rule`, the number that the rule gave before the sides were rounded, the same for both (cv2.resize with fx and
 * fy, py-faster-rcnn). Only for `longer` and `shorter`; `fit` samples by the sides and brings boxes back by the rule.
 */
export type ResizeScale = 'sides' | 'rule'

/** From a photo to the network's input tensor: part of every model's manifest, so that no constant hides in code. */
export interface InputSpec {
  /** Order of the tensor's three channels. */
  readonly channels: 'rgb' | 'bgr'
  /** Subtracted from each channel, in levels of 0 to 255 and in the order of `channels`. */
  readonly mean: readonly [number, number, number]
  /** What each channel is then divided by, in levels and in the order of `channels`. */
  readonly std: readonly [number, number, number]
  readonly resize: ResizeRule & {
    readonly filter: ResizeFilter
    readonly output: ResizeOutput
    /** Default `sides`. */
    readonly scale?: ResizeScale | undefined
  }
  /** Width and height are padded right and bottom, with 0 after normalising, to a multiple of this. 1 pads nothing. */
  readonly padMultiple: number
  /** A grey level of 0 to 255 that padding has before normalising, instead of 0 after it. */
  readonly padLevel?: number | undefined
}
