import type { ResidualDescription } from '../architectures/residual-description.ts'
import { type ResnetDepth, resnet } from '../architectures/resnet.ts'
import { unexpected } from '../errors.ts'
import { type Checkpoint, outputsOf } from './checkpoint.ts'

const DEPTHS: readonly ResnetDepth[] = [18, 34, 50, 101, 152]

/**
 * The residual network that a checkpoint holds, from the names and shapes of its tensors: units of each stage, basic or
 * bottleneck, width, groups. Where the stride stands cannot be seen there.
 *
 * @throws VertebraError `WEIGHTS_INVALID` when there is no residual network
 */
export function describeResidual(
  checkpoint: Checkpoint,
  { variant, epsilon }: { readonly variant: 'v1' | 'v1.5'; readonly epsilon: number },
): ResidualDescription {
  const { shape } = checkpoint
  const width = outputsOf(checkpoint, 'backbone.conv1.weight')
  const stages = [1, 2, 3, 4].map((stage) => {
    const hasUnit = (unit: number): boolean =>
      [1, 2].some((layer) => shape(`backbone.block${stage}.unit${unit}.conv${layer}.weight`))
    let units = 1
    while (hasUnit(units + 1)) units++
    return units
  })
  const first = 'backbone.block1.unit1'
  const isBottleneck = shape(`${first}.conv3.weight`) !== undefined
  const [inner = width, groupWidth = inner] = shape(`${first}.conv2.weight`) ?? []
  const hasGroups = isBottleneck && inner !== groupWidth
  return {
    ...resnet(50),
    unit: isBottleneck ? 'bottleneck' : 'basic',
    variant,
    stages,
    width,
    norm: { kind: 'batch', epsilon },
    ...(hasGroups && { groups: { count: inner / groupWidth, width: groupWidth } }),
  }
}

/** A network that a person names instead: `resnet50`, `resnet101-v1`, `resnext101-32x8d-v1.5`. */
export function namedResidual(name: string, found: ResidualDescription): ResidualDescription {
  const [, depth, count, width, variant] =
    /^(?:resnet|resnext)(18|34|50|101|152)(?:-(\d+)x(\d+)d)?(?:-(v1|v1\.5))?$/.exec(name) ?? []
  const known = DEPTHS.find((each) => String(each) === depth)
  if (known === undefined) {
    throw unexpected('arch', 'resnet18, 34, 50, 101 or 152, or resnext101-32x8d, with -v1 or -v1.5 where wanted', name)
  }
  const { unit, stages } = resnet(known)
  return {
    ...found,
    unit,
    stages,
    groups: count === undefined ? undefined : { count: Number(count), width: Number(width) },
    variant: variant === 'v1' || variant === 'v1.5' ? variant : found.variant,
  }
}

/** `ResNet-50`, `ResNeXt-101 32x8d`, or the stages of one without a name. */
export function residualTitle({ unit, stages, groups, variant }: ResidualDescription): string {
  const depth = DEPTHS.find((each) => {
    const named = resnet(each)
    return named.unit === unit && stages.every((units, i) => units === named.stages[i])
  })
  const family = groups ? 'ResNeXt' : 'ResNet'
  const form = groups ? ` ${groups.count}x${groups.width}d` : ''
  const stride = variant === 'v1' ? 'stride on the 1x1' : 'stride on the 3x3'
  const version = variant === 'v2' ? ' v2' : ''
  const name =
    depth === undefined ? `${family}${version} of ${stages.join(', ')} units` : `${family}-${depth}${version}`
  return `${name}${form}${unit === 'bottleneck' ? ` (${stride})` : ''}`
}
