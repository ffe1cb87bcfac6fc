import type { WeightFile } from '../weights/stored-tensor.ts'
import { storedWeights } from '../weights/stored-weights.ts'
import { renameWeights, type Weights } from '../weights/weights.ts'

/** A file of weights under the library's names, with the shapes that tell its architecture. */
export interface Checkpoint {
  readonly weights: Weights
  /** The shape of a tensor by the library's name, or undefined where there is none. */
  shape(canonical: string): readonly number[] | undefined
}

/**
 * @param rename the name in the file for one of the library's
 * @param isCounter tensors that hold no weights and that nobody misses
 */
export function checkpoint(
  file: WeightFile,
  rename: (canonical: string) => string,
  isCounter: (name: string) => boolean = (name) => name.endsWith('.num_batches_tracked'),
): Checkpoint {
  const source = storedWeights(file.tensors)
  return {
    weights: { ...renameWeights(source, rename), unused: () => source.unused().filter((name) => !isCounter(name)) },
    shape: (canonical) => file.tensors.get(rename(canonical))?.shape,
  }
}

/**
 * The first dimension of a tensor: the outputs of a layer.
 * @throws VertebraError `WEIGHTS_INVALID` when the tensor is missing, empty or a single number
 */
export function outputsOf({ weights, shape }: Checkpoint, canonical: string): number {
  const [outputs = 0, ...inputs] = shape(canonical) ?? []
  if (outputs > 0 && !inputs.includes(0)) return outputs
  return weights.tensor(canonical, [1]).length
}
