import type { Norm } from './layers.ts'

/**
 * A residual network (He et al. 2016, arXiv:1512.03385; pre-activation: arXiv:1603.05027).
 *
 * Its weights are `backbone.conv1` (the stem) and, for stage s and unit i from 1,
 * `backbone.block<s>.unit<i>.{conv1,conv2[,conv3],shortcut}`, each with `.weight` and, by {@link Norm}, `.bn.*` or
 * `.bias`. A v2 network has `….preact` in front of a unit, and `.bias` or nothing instead of `.bn.*` on its stem, its
 * shortcuts and the last convolution of a unit.
 */
export interface ResidualDescription {
  readonly family: 'residual'
  /** `basic`: 3x3, 3x3 (depths 18 and 34). `bottleneck`: 1x1, 3x3, 1x1 with four times the width (50 and up). */
  readonly unit: 'basic' | 'bottleneck'
  /** `v1`: the stride is on a bottleneck's first 1x1. `v1.5`: on its 3x3. `v2`: pre-activation, on the 3x3. */
  readonly variant: 'v1' | 'v1.5' | 'v2'
  /**
   * Default `7x7`: stride 2, then a 3x3 max-pool of stride 2. `3x3` (section 4.2, for CIFAR): stride 1, no pool; in a v2
   * network the first unit's activation then comes straight after it.
   */
  readonly stem?: '7x7' | '3x3' | undefined
  /** Units of each stage; stage i gives level c<i + 2>, after a 3x3 stem c<i>. */
  readonly stages: readonly number[]
  /** Channels of the stem and of the first stage's convolutions; each stage doubles them. */
  readonly width: number
  /**
   * ResNeXt (Xie et al. 2017, arXiv:1611.05431): the 3x3 of a bottleneck works in `count` groups, of `width` channels each
   * in the first stage; each stage doubles them. Default: one group of the unit's own width.
   */
  readonly groups?: { readonly count: number; readonly width: number } | undefined
  /**
   * The shortcuts of section 4.1. `A`: the identity everywhere; where a unit halves the map every second cell, where it
   * widens it zeros behind the channels. `B`: a 1x1 projection where the channels change. `C`: one in every unit. `none`:
   * the plain network, the same layers without shortcuts. Default `B`.
   */
  readonly shortcut?: 'A' | 'B' | 'C' | 'none' | undefined
  /** The last stage keeps the size of the map and spreads its 3x3 by 2 instead (Detectron2's DC5). v1 and v1.5 only. */
  readonly dilatedLast?: boolean | undefined
  /**
   * The unit of a stage that halves the map. `first-unit`: of every stage but the first, so a level is the stage's
   * output. `last-unit` (TF-slim): of every stage but the last, so a level is the input of that unit.
   */
  readonly strideIn: 'first-unit' | 'last-unit'
  /**
   * Padding of the stem's 3x3 max-pool: 1 on all sides, right and bottom only (Caffe's), or TensorFlow's SAME, which is the latter
   * on even sizes and the former on odd ones.
   */
  readonly stemPool: 'symmetric' | 'end' | 'same'
  readonly norm: Norm
  /**
   * v2 only: the levels that are activated by a pair of their own, `fpn.<level>.preact`. The others share the `preact`
   * of the unit that reads the same map. Default: only the last level, which no unit reads.
   */
  readonly preactLevels?: readonly string[]
  /**
   * v2 only: whether the convolutions that no normalisation follows have biases, as TF-slim's do and the paper's do not.
   * Default true.
   */
  readonly bareBias?: boolean | undefined
}
