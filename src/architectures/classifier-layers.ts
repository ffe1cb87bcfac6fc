import type { Value } from '../onnx/graph.ts'
import type { BackboneDescription } from './backbone-description.ts'
import type { LayerBuilder } from './layers.ts'

/** Sides of the only picture that a classifier takes, and of the last level for it. */
interface FixedSize {
  readonly pixels: number
  readonly cells: number
}

const FIXED: Readonly<Partial<Record<BackboneDescription['family'], FixedSize>>> = {
  vgg: { pixels: 224, cells: 7 },
  alexnet: { pixels: 224, cells: 6 },
}

/** What fully connected layers are made for; undefined where any size will do. */
export function fixedSize({ family }: BackboneDescription): FixedSize | undefined {
  return FIXED[family]
}

/** What a classifier puts on the last level: [N, C, H, W] to [N, classes]. */
export function classifierLayers(
  layers: LayerBuilder,
  description: BackboneDescription,
  x: Value,
  classes: number,
): Value {
  if (description.family === 'residual' || description.family === 'googlenet') {
    return layers.linear(layers.pooledVector(x), 'classifier', classes)
  }
  return layers.fullyConnectedTop(x, 'classifier', description.hidden ?? 4096, classes)
}
