import { unexpected } from '../errors.ts'
import type { Model } from '../onnx/model.ts'
import type { InputDims } from '../onnx/shapes.ts'
import type { ModelManifest } from './manifest.ts'
import { requireTask } from './task.ts'

/**
 * The dimensions of what one of a model's graphs reads, with as many boxes as the manifest keeps: the most there can be.
 *
 * @param sizes of `image`, with its padding, and of what the graphs before this one give
 * @throws VertebraError `MODEL_INVALID` for an input that is none of these and no boxes.
 */
export function graphInputs(
  { graph }: Model,
  manifest: ModelManifest,
  sizes: ReadonlyMap<string, readonly number[]>,
): InputDims {
  return Object.fromEntries(graph.inputs.map(({ name }) => [name, sizes.get(name) ?? boxDims(name, manifest)]))
}

function boxDims(name: string, model: ModelManifest): readonly number[] {
  const manifest = requireTask(model, 'detect')
  // All proposals on the first level: the fully connected layers cost the same wherever they come from.
  const rows = name.endsWith(`_${manifest.roi.levels[0]}`) ? manifest.rpn.postNmsTopN : 0
  if (name.startsWith('rois_')) return [rows, 4]
  if (name.startsWith('batch_')) return [rows]
  throw unexpected('graph input', 'an image, a feature level, rois or batch', name, 'MODEL_INVALID')
}
