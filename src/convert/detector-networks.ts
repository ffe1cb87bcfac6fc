import type { ResidualDescription } from '../architectures/residual-description.ts'
import type { VggDescription } from '../architectures/vgg.ts'
import { type Checkpoint, outputsOf } from './checkpoint.ts'
import type { NetworkDescription } from './recipe.ts'

/** The usual pyramid detector over a ResNet: C2 to C5, one more level by pooling, two fully connected layers. */
export function pyramidNetwork(
  source: Checkpoint,
  backbone: ResidualDescription,
  channels: number,
): NetworkDescription {
  return {
    backbone,
    levels: ['c2', 'c3', 'c4', 'c5'],
    pyramid: { channels, extraLevel: true },
    rpnChannels: outputsOf(source, 'rpn.conv.weight'),
    roiBody: { kind: 'fc', channels: outputsOf(source, 'head.fc6.weight') },
  }
}

/** The C4 form: the last stage of the ResNet is the body of the head, and the backbone ends before it. */
export function c4Network(source: Checkpoint, backbone: ResidualDescription): NetworkDescription {
  const trunk = { ...backbone, stages: backbone.stages.slice(0, -1) }
  const rpnChannels = outputsOf(source, 'rpn.conv.weight')
  return { backbone: trunk, levels: ['c4'], rpnChannels, roiBody: { kind: 'stage', backbone } }
}

/** The detector over a VGG (Ren et al. 2015): its last convolution, and its two fully connected layers as the body of the head. */
export function vggDetectorNetwork(source: Checkpoint, backbone: VggDescription): NetworkDescription {
  const rpnChannels = outputsOf(source, 'rpn.conv.weight')
  const channels = outputsOf(source, 'head.fc6.weight')
  return { backbone, levels: ['c4'], rpnChannels, roiBody: { kind: 'fc', channels } }
}
