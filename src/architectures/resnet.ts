import { unexpected } from '../errors.ts'
import type { ResidualDescription } from './residual.ts'

/** The depths of the paper's table 1: 2 (basic) or 3 (bottleneck) layers a unit, the stem and the classifier. */
export type ResnetDepth = 18 | 34 | 50 | 101 | 152

const DEPTHS: Readonly<Record<ResnetDepth, Pick<ResidualDescription, 'unit' | 'stages'>>> = {
  18: { unit: 'basic', stages: [2, 2, 2, 2] },
  34: { unit: 'basic', stages: [3, 4, 6, 3] },
  50: { unit: 'bottleneck', stages: [3, 4, 6, 3] },
  101: { unit: 'bottleneck', stages: [3, 4, 23, 3] },
  152: { unit: 'bottleneck', stages: [3, 8, 36, 3] },
}

/**
 * A ResNet as torchvision has it: v1.5, stride in the first unit, batch norm with epsilon 1e-5. `changes` replaces any
 * field: `{ variant: 'v1' }` is the paper's, `{ stages: [2, 2, 2], … }` any other list of stages.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for another depth
 * @example
 * const features = backboneFeatures(resnet(101))   // c2 256, c3 512, c4 1024, c5 2048
 */
export function resnet(depth: ResnetDepth, changes: Partial<ResidualDescription> = {}): ResidualDescription {
  if (!Object.hasOwn(DEPTHS, depth)) throw unexpected('depth', Object.keys(DEPTHS).join(', '), depth)
  return {
    family: 'residual',
    ...DEPTHS[depth],
    variant: 'v1.5',
    width: 64,
    strideIn: 'first-unit',
    stemPool: 'symmetric',
    norm: { kind: 'batch', epsilon: 1e-5 },
    ...changes,
  }
}

/**
 * A pre-activation ResNet in the layout of TF-slim's resnet_v2 with batch norm folded: stride in a stage's last unit,
 * the stem's pool padded at the end, and an own activation for the levels a pyramid reads.
 */
export function slimResnetV2(
  depth: ResnetDepth,
  preactLevels: readonly string[] = ['c3', 'c4', 'c5'],
): ResidualDescription {
  return resnet(depth, {
    variant: 'v2',
    strideIn: 'last-unit',
    stemPool: 'end',
    norm: { kind: 'folded' },
    preactLevels,
  })
}
