import { unexpected } from '../errors.ts'
import type { InputSpec } from './input-spec.ts'

/** Pixels: below it the coarsest maps have a cell or two, above it memory ends. */
const LEAST_SIDE = 64
const LARGEST_SIDE = 4096

/**
 * The same input at another size: the side that the resize rule names becomes `size`, and where the rule also limits the
 * longer side, the limit grows or shrinks alike.
 *
 * @param size pixels, 64 to 4096.
 * @throws VertebraError `INVALID_ARGUMENT` for another size, and for an input whose size the network fixes.
 * @example
 * withInputSize(manifest.input, 800).resize // { rule: 'longer', size: 800, ... }
 */
export function withInputSize(spec: InputSpec, size: number): InputSpec {
  if (!Number.isInteger(size) || size < LEAST_SIDE || size > LARGEST_SIDE) {
    throw unexpected('inputSize', `a whole number of pixels from ${LEAST_SIDE} to ${LARGEST_SIDE}`, size)
  }
  const { resize } = spec
  if (resize.rule === 'longer') return { ...spec, resize: { ...resize, size } }
  if (resize.rule === 'shorter') {
    const max = Math.round((resize.max * size) / resize.size)
    return { ...spec, resize: { ...resize, size, max } }
  }
  throw unexpected('inputSize', `none, as the model's input has the rule "${resize.rule}"`, size)
}
