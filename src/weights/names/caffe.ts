import type { StoredTensor, WeightFile } from '../stored-tensor.ts'
import type { Weights } from '../weights.ts'

/**
 * The blobs of a `.caffemodel` in the shapes that layers ask for: before 2014 every blob had four sizes, so that a bias is
 * [1, 1, 1, n] and a fully connected layer [1, 1, outputs, inputs].
 */
export function caffeTensors(file: WeightFile): WeightFile {
  const tensors = [...file.tensors].map(([name, tensor]): [string, StoredTensor] => {
    const { shape } = tensor
    if (shape.length !== 4 || shape[0] !== 1 || shape[1] !== 1) return [name, tensor]
    return [name, { ...tensor, shape: shape.slice(shape[2] === 1 ? 3 : 2) }]
  })
  return { ...file, tensors: new Map(tensors) }
}

/**
 * The blob of a KaimingHe ResNet (deep-residual-networks: `res2a_branch2a`, `bn2a_branch2a`, `scale2a_branch2a`) for the library's
 * name of a tensor. Units are a, b, c … in ResNet-50 and a, b1, b2 … in the deeper ones.
 *
 * @param has whether the file has a blob
 */
export function caffeResnetName(canonical: string, has: (name: string) => boolean): string {
  const [, layer = '', norm, field = ''] = /^(.+?)\.(bn\.)?(\w+)$/.exec(canonical) ?? []
  const names = blobNames(layer, has)
  if (!norm) return layer === 'classifier' ? `fc1000.${blobOf(field)}` : `${names.layer}.${blobOf(field)}`
  if (field === 'running_mean') return `${names.norm('bn')}.0`
  if (field === 'running_var') return `${names.norm('bn')}.1`
  if (field === 'factor') return `${names.norm('bn')}.2`
  return `${names.norm('scale')}.${blobOf(field)}`
}

/** Caffe stores sums: its running mean and variance are to be divided by a factor of their own, `.bn.factor`; 0 means none. */
export function caffeNormsDivided(source: Weights): Weights {
  return {
    ...source,
    tensor(name, shape) {
      const stored = source.tensor(name, shape)
      if (!/\.bn\.running_\w+$/.test(name)) return stored
      const [factor = 0] = source.tensor(name.replace(/running_\w+$/, 'factor'), [1])
      const scale = factor === 0 ? 0 : 1 / factor
      return stored.map((value) => value * scale)
    },
  }
}

/** Blob 0 of a layer is its kernel, 1 its bias. */
function blobOf(field: string): number {
  return field === 'weight' ? 0 : 1
}

interface BlobNames {
  readonly layer: string
  readonly norm: (kind: 'bn' | 'scale') => string
}

function blobNames(layer: string, has: (name: string) => boolean): BlobNames {
  const [, block, unit, part, index] = /^backbone\.block(\d)\.unit(\d+)\.(conv|shortcut)(\d?)$/.exec(layer) ?? []
  if (block === undefined) return { layer: 'conv1', norm: (kind) => `${kind}_conv1` }
  const stage = Number(block) + 1
  const number = Number(unit) - 1
  const isLettered = has(`res${stage}b_branch2a.0`)
  const letters = isLettered || number === 0 ? String.fromCharCode(97 + number) : `b${number}`
  const branch = part === 'shortcut' ? 'branch1' : `branch2${String.fromCharCode(96 + Number(index))}`
  const name = `${stage}${letters}_${branch}`
  return { layer: `res${name}`, norm: (kind) => `${kind}${name}` }
}
