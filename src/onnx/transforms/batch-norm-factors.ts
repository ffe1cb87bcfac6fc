import { floatOf } from '../attributes.ts'
import type { Node, Tensor } from '../model.ts'
import { float32Of } from '../tensors.ts'

/**
 * Batch normalisation at inference is y = x * scale + shift per channel: `scale / sqrt(variance + epsilon)` and
 * `shift - mean * that`, computed in double precision. Undefined where a parameter is no float32 constant.
 */
export function batchNormFactors(
  node: Node,
  initializers: ReadonlyMap<string, Tensor>,
): { scale: Float32Array; shift: Float32Array } | undefined {
  const [gamma, beta, mean, variance] = node.inputs.slice(1).map((name) => {
    const tensor = initializers.get(name)
    return tensor?.dataType === 'float32' ? float32Of(tensor, name) : undefined
  })
  if (!gamma || !beta || !mean || !variance) return undefined
  const epsilon = floatOf(node, 'epsilon', 1e-5)
  const scale = new Float32Array(gamma.length)
  const shift = new Float32Array(gamma.length)
  for (let c = 0; c < gamma.length; c++) {
    const factor = (gamma[c] as number) / Math.sqrt((variance[c] as number) + epsilon)
    scale[c] = factor
    shift[c] = (beta[c] as number) - (mean[c] as number) * factor
  }
  return { scale, shift }
}
