import { expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { detectorRecipe } from '../../src/convert/dialects/index.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import type { StoredTensor } from '../../src/weights/stored-tensor.ts'
import { dialectFile } from './dialect-fixture.ts'

type Tensors = Map<string, StoredTensor>

/** Converts a stored detector whose tensors were changed. */
async function converted(name: string, change: (tensors: Tensors) => void) {
  const file = readWeights(dialectFile(name), name)
  const tensors = new Map(file.tensors)
  change(tensors)
  return convertDetector(detectorRecipe({ ...file, tensors, labels: undefined }).recipe, 'float32')
}

/** The rows of a layer, its kernel and its bias. */
function keepRows(tensors: Tensors, names: readonly string[], from: number, to: number): void {
  for (const name of names) {
    const tensor = tensors.get(name)
    if (!tensor) throw new Error(`no ${name}`)
    const [rows = 1, ...rest] = tensor.shape
    const size = tensor.bytes.length / rows
    tensors.set(name, { ...tensor, shape: [to - from, ...rest], bytes: tensor.bytes.slice(from * size, to * size) })
  }
}

const both = (layer: string): readonly string[] => [`${layer}.weight`, `${layer}.bias`]
const caffe2 = (layer: string): readonly string[] => [`${layer}_w`, `${layer}_b`]

it.each([
  ['faster-rcnn-pytorch-vgg16.pth', both('RCNN_cls_score'), both('RCNN_bbox_pred')],
  ['mmdetection1-caffe.pth', both('bbox_head.fc_cls'), both('bbox_head.fc_reg')],
  ['detectron-fpn.pkl', caffe2('cls_score'), caffe2('bbox_pred')],
])('one class beside the background, and one box for all: %s', async (name, scores, deltas) => {
  const { manifest } = await converted(name, (tensors) => {
    keepRows(tensors, scores, 0, 2)
    keepRows(tensors, deltas, 4, 8)
  })
  expect(manifest.labels).toHaveLength(1)
  expect(manifest.head.classAgnostic).toBe(true)
})

it.each([
  ['faster-rcnn-pytorch-vgg16.pth', both('RCNN_cls_score'), both('RCNN_bbox_pred')],
  ['detectron-fpn.pkl', caffe2('cls_score'), caffe2('bbox_pred')],
])('one class beside the background with a box of each: %s', async (name, scores, deltas) => {
  const { manifest } = await converted(name, (tensors) => {
    keepRows(tensors, scores, 0, 2)
    keepRows(tensors, deltas, 0, 8)
  })
  expect(manifest.head.classAgnostic).toBe(false)
})

it("of Detectron's one box for all, that of the background before it is left out", async () => {
  const eight = await converted('detectron-fpn.pkl', (tensors) => keepRows(tensors, caffe2('bbox_pred'), 4, 12))
  const four = await converted('detectron-fpn.pkl', (tensors) => keepRows(tensors, caffe2('bbox_pred'), 8, 12))
  expect(eight.manifest.labels).toHaveLength(3)
  expect(eight.manifest.head.classAgnostic).toBe(true)
  expect(eight.manifest).toEqual(four.manifest)
  expect(eight.files.get('roi-head.onnx')).toEqual(four.files.get('roi-head.onnx'))
})

it.each([
  ['mmdetection1-caffe.pth', both('bbox_head.fc_reg')],
  ['faster-rcnn-pytorch-vgg16.pth', both('RCNN_bbox_pred')],
])('two boxes for more classes are refused where none is for the background: %s', async (name, deltas) => {
  await expect(converted(name, (tensors) => keepRows(tensors, deltas, 0, 8))).rejects.toThrow(/Expected shape/)
})
