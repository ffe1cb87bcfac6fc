import { vgg } from '../architectures/vgg.ts'
import { describe } from '../errors.ts'
import { KERAS_EPSILON, kerasKernels, kerasResnetName, kerasTensors, kerasVggName } from '../weights/names/keras.ts'
import { shapeOutputsFirst } from '../weights/names/kernels.ts'
import { invalidWeights, type WeightFile } from '../weights/stored-tensor.ts'
import { type Checkpoint, checkpoint, outputsOf } from './checkpoint.ts'
import { biasesInNorms } from './conv-biases.ts'
import { describeResidual, residualTitle } from './describe-residual.ts'
import { vggTitle } from './describe-vgg.ts'
import type { ImageNetwork } from './image-network-form.ts'

/** Keras' mode caffe: levels of 0 to 255 less this mean; here in the order red, green, blue. */
const INPUT = { mean: [123.68 / 255, 116.779 / 255, 103.939 / 255], std: [1 / 255, 1 / 255, 1 / 255] } as const

/** The layers of a classifier, which a backbone alone has no place for. */
const isExtra = (name: string): boolean => /^(fc1|fc2|predictions|probs)\//.test(name)

/**
 * The network of a Keras file: ResNet-50, 101 or 152 (v1), VGG-16 or 19 of Keras Applications, with or without their top.
 * @throws VertebraError `WEIGHTS_INVALID` when it holds none
 */
export function kerasNetwork(file: WeightFile): ImageNetwork {
  const named = kerasTensors(file)
  const { tensors } = named
  if (tensors.has('block1_conv1/kernel')) return vggOf(named)
  if (tensors.has('conv1_conv/kernel') && tensors.has('conv1_bn/gamma')) return resnetOf(named)
  const some = [...tensors.keys()].slice(0, 4).map(describe).join(', ')
  const found = tensors.has('post_bn/gamma') ? 'a ResNet v2 of Keras' : `tensors such as ${some}`
  throw invalidWeights(`a ResNet v1 or VGG with the names of Keras Applications but received ${found}`)
}

function resnetOf(file: WeightFile): ImageNetwork {
  const classifier = file.tensors.has('probs/kernel') ? 'probs' : 'predictions'
  const stored = outputsFirst(checkpoint(file, (canonical) => kerasResnetName(canonical, classifier)))
  const source = { ...stored, weights: biasesInNorms(stored.weights, 'required') }
  const description = describeResidual(source, { variant: 'v1', epsilon: KERAS_EPSILON })
  const title = `${residualTitle(description)} with the names of Keras`
  return networkOf(title, description, source, 'classifier.weight')
}

function vggOf(file: WeightFile): ImageNetwork {
  const source = outputsFirst(checkpoint(file, kerasVggName))
  const hidden = source.shape('classifier.fc6.weight')?.[0]
  const widths = [1, 2, 3, 4, 5].map((stage) => outputsOf(source, `backbone.conv${stage}_1.weight`))
  const description = vgg(file.tensors.has('block3_conv4/kernel') ? 19 : 16, {
    widths,
    ...(hidden !== undefined && { hidden }),
  })
  return networkOf(`${vggTitle(description)} with the names of Keras`, description, source, 'classifier.fc8.weight')
}

function networkOf(
  title: string,
  description: ImageNetwork['description'],
  { weights, shape }: Checkpoint,
  last: string,
): ImageNetwork {
  return { title, description, weights, classes: shape(last)?.[0], ...INPUT, isExtra }
}

/** The shapes, and with them the kernels, in the library's order. */
function outputsFirst({ weights, shape }: Checkpoint): Checkpoint {
  return {
    weights: kerasKernels(weights),
    shape: (canonical) => shapeOutputsFirst(shape(canonical)),
  }
}
