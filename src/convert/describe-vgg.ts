import { type VggDescription, vgg } from '../architectures/vgg.ts'
import { unexpected } from '../errors.ts'
import { type Checkpoint, outputsOf } from './checkpoint.ts'

/**
 * The VGG that a checkpoint holds, from the names and shapes of its tensors: convolutions and width of each stage.
 *
 * @param arch the depth that a person names instead, `vgg16` or `vgg19`
 * @throws VertebraError `WEIGHTS_INVALID` when there is none, `INVALID_ARGUMENT` for another `arch`
 */
export function describeVgg(
  checkpoint: Checkpoint,
  poolRounding: VggDescription['poolRounding'],
  arch?: string,
): VggDescription {
  if (arch !== undefined && arch !== 'vgg16' && arch !== 'vgg19') throw unexpected('arch', 'vgg16 or vgg19', arch)
  const { shape } = checkpoint
  const widths = [1, 2, 3, 4, 5].map((stage) => outputsOf(checkpoint, `backbone.conv${stage}_1.weight`))
  const isDeep = arch === undefined ? shape('backbone.conv3_4.weight') !== undefined : arch === 'vgg19'
  return vgg(isDeep ? 19 : 16, { widths, poolRounding })
}

/** `VGG-16` */
export function vggTitle({ convolutions }: VggDescription): string {
  return `VGG-${convolutions.reduce((sum, count) => sum + count, 0) + 3}`
}
