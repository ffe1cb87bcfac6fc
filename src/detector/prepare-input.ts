import { VertebraError } from '../errors.ts'
import type { RgbImage } from '../images/image.ts'
import type { InputSpec } from '../images/input-spec.ts'
import { type InputTensor, inputTensor } from '../images/normalise.ts'

/**
 * The input tensor of a batch.
 * @throws VertebraError `OUT_OF_MEMORY` when it is larger than memory, or than a typed array can be.
 */
export function prepareInput(spec: InputSpec, images: readonly RgbImage[]): InputTensor {
  try {
    return inputTensor(spec, images)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new VertebraError(
      'OUT_OF_MEMORY',
      `There was not enough memory for the input of ${images.length} photos: use smaller photos or batches.`,
      { cause },
    )
  }
}
