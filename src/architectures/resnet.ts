import { unexpected } from '../errors.ts'
import type { ResidualDescription } from './residual-description.ts'

/**
 * The depths of the paper's table 1, and the 200 of arXiv:1603.05027: 2 (basic) or 3 (bottleneck) layers a unit, the stem and
 * the classifier.
 */
export type ResnetDepth = 18 | 34 | 50 | 101 | 152 | 200

const DEPTHS: Readonly<Record<ResnetDepth, Pick<ResidualDescription, 'unit' | 'stages'>>> = {
  18: { unit: 'basic', stages: [2, 2, 2, 2] },
  34: { unit: 'basic', stages: [3, 4, 6, 3] },
  50: { unit: 'bottleneck', stages: [3, 4, 6, 3] },
  101: { unit: 'bottleneck', stages: [3, 4, 23, 3] },
  152: { unit: 'bottleneck', stages: [3, 8, 36, 3] },
  200: { unit: 'bottleneck', stages: [3, 24, 36, 3] },
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
 * A ResNeXt as torchvision has it: `resnext(101, 32, 8)` is ResNeXt-101 32x8d, with 32 groups of 8 channels.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for another depth
 * @example
 * const model = buildClassifier(resnext(50, 32, 4), weights, 1000)
 */
export function resnext(depth: 50 | 101, groups: number, groupWidth: number): ResidualDescription {
  return resnet(depth, { groups: { count: groups, width: groupWidth } })
}

/**
 * A pre-activation ResNet (arXiv:1603.05027) with batch norm and without biases. As in TF-slim its first activation stands
 * after the stem's pool, and a bottleneck's stride on its 3x3.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for another depth
 * @example
 * const model = buildClassifier(preactResnet(200), weights, 1000)
 */
export function preactResnet(depth: ResnetDepth): ResidualDescription {
  return resnet(depth, { variant: 'v2', bareBias: false })
}

/**
 * A ResNet for 32x32 pictures (section 4.2): a 3x3 stem, three stages of widths 16, 32 and 64 with equally many units, option A
 * shortcuts. Basic units make 6n + 2 layers (20, 32, 44, 56, 110, 1202), bottlenecks 9n + 2 (164, 1001).
 *
 * @param changes any field: `{ shortcut: 'none' }` is the plain network, `{ unit: 'bottleneck', shortcut: 'B', variant: 'v2',
 * bareBias: false }` the pre-activation form of arXiv:1603.05027
 * @throws VertebraError `INVALID_ARGUMENT` for a depth that is no such sum
 * @example
 * const features = backboneFeatures(cifarResnet(110))   // c0 16, c1 32, c2 64
 */
export function cifarResnet(depth: number, changes: Partial<ResidualDescription> = {}): ResidualDescription {
  const layers = changes.unit === 'bottleneck' ? 9 : 6
  const units = (depth - 2) / layers
  if (!Number.isSafeInteger(units) || units < 1) throw unexpected('depth', `${layers} n + 2`, depth)
  return resnet(18, { stem: '3x3', stages: [units, units, units], width: 16, shortcut: 'A', variant: 'v1', ...changes })
}

/**
 * A pre-activation ResNet in the layout of TF-slim's resnet_v2 with batch norm folded: stride in a stage's last unit,
 * the stem's pool padded at the end, and an own activation for the levels a pyramid reads.
 *
 * @param preactLevels those levels; default c3, c4 and c5
 * @throws VertebraError `INVALID_ARGUMENT` for another depth
 * @example
 * const features = backboneFeatures(slimResnetV2(101))   // c2 256, c3 512, c4 1024, c5 2048
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
