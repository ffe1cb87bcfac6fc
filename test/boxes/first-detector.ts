import type { AnchorSpec } from '../../src/boxes/anchors.ts'

/** The anchors of the first detector (torchvision's rules). */
export const FIRST_DETECTOR: AnchorSpec = {
  levels: [
    { feature: 'p3', stride: 8, sizes: [32, 45] },
    { feature: 'p4', stride: 16, sizes: [64, 90] },
    { feature: 'p5', stride: 32, sizes: [128, 181] },
    { feature: 'p6', stride: 64, sizes: [256, 362] },
  ],
  aspectRatios: [0.5, 1, 2],
  order: 'ratio-major',
  rounded: true,
  offset: 0,
  strideRule: 'from-grid',
}
