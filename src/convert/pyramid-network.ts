import type { ResidualDescription } from '../architectures/residual-description.ts'
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
