import type { ModelManifest } from '../models/manifest.ts'
import { isFor } from '../models/task.ts'
import type { Model } from '../onnx/model.ts'
import { channelsLastOutputs } from '../onnx/transforms/channels-last-outputs.ts'
import { roiAlignToGridSample } from '../onnx/transforms/roi-align-to-grid-sample.ts'
import { roiAlignToInput } from '../onnx/transforms/roi-align-to-input.ts'
import type { DeviceTraits } from '../runtime/runtime.ts'
import type { SessionName } from './session-name.ts'

/** What pools boxes: what the device is best at, where the model's kind of pooling has that form. */
export function roiPoolingOf(
  manifest: ModelManifest,
  { roiPooling }: Pick<DeviceTraits, 'roiPooling'>,
): DeviceTraits['roiPooling'] {
  if (roiPooling !== 'kernel') return roiPooling
  if (!isFor(manifest, 'detect')) return 'operator'
  const { roi, pyramid } = manifest
  const isWhole = pyramid.every(({ name, channels }) => !roi.levels.includes(name) || channels % 4 === 0)
  return roi.pooling === 'align' && !roi.lastPixel && isWhole ? 'kernel' : 'operator'
}

/** A graph of the model as the pooling wants it. */
export function forPooling(manifest: ModelManifest, name: SessionName, graph: Model, traits: DeviceTraits): Model {
  const way = roiPoolingOf(manifest, traits)
  if (name === 'roiHead' && way === 'grid-sample') return roiAlignToGridSample(graph)
  if (name === 'roiHead' && way === 'kernel') return roiAlignToInput(graph)
  if (name !== 'network' || way !== 'kernel' || !isFor(manifest, 'detect')) return graph
  return channelsLastOutputs(graph, manifest.roi.levels)
}
