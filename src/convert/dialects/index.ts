import { describe, unexpected, VertebraError } from '../../errors.ts'
import type { WeightFile } from '../../weights/stored-tensor.ts'
import type { Recipe } from '../recipe.ts'
import { FORMAT, vertebraDetector } from '../vertebra-detector.ts'
import { chainercvFpn } from './chainercv-fpn.ts'
import { chainercvVgg } from './chainercv-vgg.ts'
import { detectron } from './detectron.ts'
import { detectron2 } from './detectron2.ts'
import type { Dialect, DialectOptions } from './dialect.ts'
import { fasterRcnnPytorch } from './faster-rcnn-pytorch.ts'
import { mmdetection, mmdetectionCaffe } from './mmdetection.ts'
import { mmdetection1, mmdetection1Caffe } from './mmdetection1.ts'
import { pyFasterRcnn } from './py-faster-rcnn.ts'
import { torchvisionDetector, torchvisionEpsilon0 } from './torchvision-detector.ts'

export type { DialectOptions } from './dialect.ts'

/** What this project's own training writes; its labels and its network are in the file. */
const own: Dialect = {
  name: FORMAT,
  title: "this project's training",
  matches: (_, { metadata }) => metadata.format === FORMAT,
  recipe: (file, { about, config }) => vertebraDetector(file, about, config),
}

/** Every dialect, in the order in which they are tried. */
const DIALECTS: readonly Dialect[] = [
  own,
  torchvisionDetector,
  torchvisionEpsilon0,
  detectron2,
  mmdetectionCaffe,
  mmdetection,
  mmdetection1Caffe,
  mmdetection1,
  detectron,
  fasterRcnnPytorch,
  pyFasterRcnn,
  chainercvVgg,
  chainercvFpn,
]

/** What `--dialect` takes. */
export const DIALECT_NAMES: readonly string[] = DIALECTS.map(({ name }) => name)

const TASKS = 'vertebra convert --task features or classify takes it'
const GRAPH = 'residualBackbone and buildBackbone make a graph of it'

/** Names that tell a file which is known and yet no detector, and what can be done with it. */
const BACKBONES: readonly (readonly [title: string, key: string, way: string])[] = [
  ['a ResNet with the names of torchvision and timm', 'layer1.0.conv1.weight', TASKS],
  ['a VGG with the names of torchvision', 'features.0.weight', TASKS],
  ['a ResNet of Hugging Face', 'resnet.embedder.embedder.convolution.weight', TASKS],
  ['a ResNet of Detectron2', 'res2.0.conv1.weight', 'buildBackbone makes a graph of it'],
  ['a ResNet of ChainerCV', 'res2/a/conv1/conv/W', GRAPH],
  ['a ResNet of KaimingHe (Caffe)', 'res2a_branch2a.0', GRAPH],
  ['a ResNet of Keras', 'conv1_conv/conv1_conv/kernel:0', TASKS],
  ['a VGG of Keras', 'block1_conv1/block1_conv1_W_1:0', TASKS],
  ['a ResNet v2 of TF-slim', 'resnet_v2_50/conv1/weights', GRAPH],
  ['a ResNet v2 of TF-slim', 'resnet_v2_101/conv1/weights', GRAPH],
  ['a ResNet v2 of TF-slim', 'resnet_v2_152/conv1/weights', GRAPH],
]

/**
 * What a file of weights is, and how it becomes a detector.
 *
 * @throws VertebraError `WEIGHTS_INVALID` for weights of no known detector, `INVALID_ARGUMENT` for another dialect
 * @example
 * const file = readWeights(await readFile('model_final.pkl'), 'model_final.pkl')
 * const { title, recipe } = detectorRecipe(file)
 * console.log(title) // Detectron2 Faster R-CNN
 * const { manifest, files } = await convertDetector(recipe)
 */
export function detectorRecipe(
  file: WeightFile,
  options: DialectOptions = {},
): { dialect: string; title: string; recipe: Recipe } {
  const { dialect } = options
  const names = new Set(file.tensors.keys())
  const found =
    dialect === undefined
      ? DIALECTS.find((each) => each.matches(names, file))
      : DIALECTS.find((each) => each.name === dialect)
  if (found) return { dialect: found.name, title: found.title, recipe: found.recipe(file, options) }
  if (dialect !== undefined) throw unexpected('dialect', `one of ${DIALECT_NAMES.join(', ')}`, dialect)
  throw unknown(file)
}

function unknown({ container, tensors }: WeightFile): VertebraError {
  const backbone = BACKBONES.find(([, key]) => tensors.has(key))
  const names = [...tensors.keys()].sort()
  const found = backbone
    ? `${backbone[0]}, which is a backbone without a detector's head (${backbone[2]})`
    : `a ${container} of ${names.length} tensors such as ${names.slice(0, 4).map(describe).join(', ')}`
  return new VertebraError(
    'WEIGHTS_INVALID',
    `Expected the weights of a detector of a known kind (${DIALECT_NAMES.join(', ')}) but received ${found}.`,
  )
}
