import { describe, VertebraError } from '../errors.ts'
import { toFloat32 } from './elements.ts'
import type { StoredTensor } from './stored-tensor.ts'
import { checkShape, type Weights } from './weights.ts'

/**
 * The tensors of a weight file as float32. Every element type is converted; an int8 tensor needs a float companion
 * `<name>.scale` with one factor per output channel (the first dimension) and becomes `int8 * scale`.
 *
 * @example
 * const file = readSafetensors(bytes)
 * const weights = storedWeights(file.tensors)
 * const kernel = weights.tensor('backbone.conv1.weight', [64, 3, 7, 7])
 */
export function storedWeights(tensors: ReadonlyMap<string, StoredTensor>): Weights {
  const asked = new Set<string>()

  function stored(name: string): StoredTensor {
    const tensor = tensors.get(name)
    if (tensor === undefined) throw missing(name, tensors)
    asked.add(name)
    return tensor
  }

  return {
    names: () => [...tensors.keys()].sort(),
    has: (name) => tensors.has(name),
    unused: () => [...tensors.keys()].filter((name) => !asked.has(name)).sort(),
    tensor(name, shape) {
      const tensor = stored(name)
      checkShape(name, tensor.shape, shape)
      const values = toFloat32(tensor)
      if (tensor.dtype === 'I8') {
        const scaleName = `${name}.scale`
        const scale = stored(scaleName)
        checkShape(scaleName, scale.shape, [shape[0] ?? 1])
        dequantise(values, toFloat32(scale))
      }
      const bad = findNonFinite(values)
      if (bad >= 0) {
        throw new VertebraError(
          'WEIGHTS_INVALID',
          `Expected finite numbers in tensor ${describe(name)} but element ${bad} is ${values[bad]}.`,
          { value: values[bad] },
        )
      }
      return values
    },
  }
}

/** The index of the first NaN or infinity, or -1. */
function findNonFinite(values: Float32Array): number {
  // The difference of a number with itself is 0, that of a NaN or an infinity is NaN: no call per element.
  for (let i = 0; i < values.length; i++) if ((values[i] as number) - (values[i] as number) !== 0) return i
  return -1
}

function dequantise(values: Float32Array, scale: Float32Array): void {
  const size = values.length / scale.length
  for (let channel = 0, i = 0; channel < scale.length; channel++) {
    const factor = scale[channel] as number
    for (const end = (channel + 1) * size; i < end; i++) values[i] = (values[i] as number) * factor
  }
}

function missing(name: string, tensors: ReadonlyMap<string, StoredTensor>): VertebraError {
  // Names that share the longest run of parts tell a person whether it is another naming scheme or one lost tensor.
  const names = [...tensors.keys()].sort()
  const parts = name.split('.')
  let near: string[] = []
  for (let length = parts.length - 1; length > 0 && near.length === 0; length--) {
    const prefix = `${parts.slice(0, length).join('.')}.`
    near = names.filter((other) => other.startsWith(prefix))
  }
  if (near.length === 0) near = names
  return new VertebraError(
    'WEIGHTS_INVALID',
    `Expected a tensor ${describe(name)} in the weights but it is missing; of ${names.length} tensors the nearest are ${near.slice(0, 4).map(describe).join(', ') || 'none'}.`,
    { value: name },
  )
}
