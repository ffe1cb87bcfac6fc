import { describe } from '../../errors.ts'
import { invalidWeights, type StoredTensor, type WeightFile } from '../stored-tensor.ts'
import type { Weights } from '../weights.ts'
import { kernelOutputsFirst } from './kernels.ts'

// keras-team/keras-applications: resnet_common.py, vgg16.py, vgg19.py; keras/src/legacy/saving/legacy_h5_format.py.

/** Of its ResNets. */
export const KERAS_EPSILON = 1.001e-5

const FIELDS: Readonly<Record<string, string>> = {
  weight: 'kernel',
  bias: 'bias',
  'bn.weight': 'gamma',
  'bn.bias': 'beta',
  'bn.running_mean': 'moving_mean',
  'bn.running_var': 'moving_variance',
}

/** Whether a file, whatever its container, has the names of Keras: `…/kernel:0`, or of Keras 1 `…/fc1_W_1:0`. */
export function hasKerasNames({ tensors }: WeightFile): boolean {
  return [...tensors.keys()].some((name) => /\/(kernel|[^/]+_W(_\d+)?)(:0)?$/.test(name))
}

/**
 * The tensors of a Keras file as `layer/field`: of `conv1_conv/conv1_conv/kernel:0`, and of Keras 1's `fc1/fc1_W_1:0`. A whole saved
 * model has them below `model_weights`, and its optimizer beside.
 */
export function kerasTensors(file: WeightFile): WeightFile {
  const tensors = new Map<string, StoredTensor>()
  for (const [path, tensor] of file.tensors) {
    if (path.startsWith('optimizer_weights/')) continue
    const parts = path.split('/')
    const last = parts.at(-1) ?? ''
    const field = last
      .replace(/:0$/, '')
      .replace(/^.+_W(_\d+)?$/, 'kernel')
      .replace(/^.+_b(_\d+)?$/, 'bias')
    const name = `${parts.at(-2) ?? ''}/${field}`
    if (tensors.has(name)) throw invalidWeights(`one tensor ${describe(name)} in the Keras file but it has several`)
    tensors.set(name, tensor)
  }
  return { ...file, tensors }
}

/**
 * The name in a ResNet of Keras Applications, such as `conv2_block1_1_conv/kernel`, for the library's own.
 * @param classifier the name of its last layer
 */
export function kerasResnetName(canonical: string, classifier: string): string {
  const [, layer = '', field = ''] = /^(.+?)\.((?:bn\.)?\w+)$/.exec(canonical) ?? []
  const [kind, end] = [field.startsWith('bn.') ? 'bn' : 'conv', FIELDS[field] ?? field]
  if (layer === 'classifier') return `${classifier}/${end}`
  const [, block, unit, part = ''] = /^backbone\.block(\d)\.unit(\d+)\.(\w+)$/.exec(layer) ?? []
  if (block === undefined) return `${layer.replace('backbone.', '')}_${kind}/${end}`
  const place = part === 'shortcut' ? '0' : part.replace('conv', '')
  return `conv${Number(block) + 1}_block${unit}_${place}_${kind}/${end}`
}

const VGG_LAYERS: Readonly<Record<string, string>> = {
  'classifier.fc6': 'fc1',
  'classifier.fc7': 'fc2',
  'classifier.fc8': 'predictions',
}

/** The name in a VGG of Keras Applications, such as `block1_conv1/kernel`. */
export function kerasVggName(canonical: string): string {
  const [, layer = '', field = ''] = /^(.+)\.(\w+)$/.exec(canonical) ?? []
  const own = VGG_LAYERS[layer] ?? layer.replace(/^backbone\.conv(\d)_(\d)$/, 'block$1_conv$2')
  return `${own}/${FIELDS[field] ?? field}`
}

/**
 * Weights of Keras as the library has them: kernels height x width x inputs x outputs become outputs x inputs x height x width, and
 * those of a fully connected layer outputs x inputs; the first fully connected layer of a VGG reads its 7 x 7 map channel by
 * channel. The first convolution, which was trained on blue, green and red, takes red, green and blue.
 */
export function kerasKernels(source: Weights): Weights {
  return {
    ...source,
    tensor(name, shape) {
      if (shape.length < 2) return source.tensor(name, shape)
      const [outputs = 0, columns = 0, height = 1, width = 1] = shape
      const cells = name === 'classifier.fc6.weight' ? VGG_CELLS : height * width
      const inputs = shape.length === 2 ? columns / cells : columns
      const stored = source.tensor(name, shape.length === 2 ? [columns, outputs] : [height, width, inputs, outputs])
      const isFirst = /^backbone\.conv1(_1)?\.weight$/.test(name)
      return kernelOutputsFirst(stored, outputs, inputs, cells, isFirst)
    },
  }
}

const VGG_CELLS = 49
