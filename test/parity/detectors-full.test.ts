import { describe, expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { detectorRecipe } from '../../src/convert/dialects/index.ts'
import { readBytes, readWeightsOf } from '../../src/weights/read-weights.node.ts'
import { expectSameDetections, expectSameMaps } from '../convert/compare-detector.ts'
import { readExpected, readPhoto, withSmallInput } from '../convert/dialect-fixture.ts'
import { isParity, MINUTES, short, withCheckpoint } from './full-size.ts'

type Sides = readonly [shorter: number, longer: number]

/** What the projects bring a photo to. */
const LARGE: Sides = [800, 1333]
const MEDIUM: Sides = [600, 1000]
/** What most comparisons bring it to: that every rule's numbers are the project's is checked, and the rest does not depend on them. */
const COMPARED: Sides = [320, 533]

const CASES: readonly (readonly [file: string, dialect: string, rule: Sides, compared?: Sides])[] = [
  ['torchvision-v1.pth', 'torchvision-faster-rcnn', LARGE, LARGE],
  ['torchvision-v2.pth', 'torchvision-faster-rcnn', LARGE],
  ['torchvision-resnet18-fpn.pth', 'torchvision-faster-rcnn', LARGE],
  ['torchvision-resnet101-fpn.pth', 'torchvision-faster-rcnn', LARGE],
  ['detectron2-R50-FPN.pkl', 'detectron2', LARGE],
  ['detectron2-R101-FPN.pkl', 'detectron2', LARGE],
  ['detectron2-X101-FPN.pkl', 'detectron2', LARGE],
  ['detectron2-R50-C4.pkl', 'detectron2', LARGE],
  ['detectron2-R101-C4.pkl', 'detectron2', LARGE],
  ['detectron2-R50-DC5.pkl', 'detectron2', LARGE],
  ['detectron2-R101-DC5.pkl', 'detectron2', LARGE],
  ['mmdetection-r50-pytorch.pth', 'mmdetection', LARGE],
  ['mmdetection-r101-pytorch.pth', 'mmdetection', LARGE],
  ['mmdetection-r50-caffe.pth', 'mmdetection-caffe', LARGE],
  ['mmdetection-r101-caffe.pth', 'mmdetection-caffe', LARGE],
  ['mmdetection1-r50-caffe.pth', 'mmdetection1-caffe', LARGE],
  ['mmdetection1-r101-pytorch.pth', 'mmdetection1', LARGE],
  ['detectron-R50-FPN.pkl', 'detectron', LARGE],
  ['detectron-R101-FPN.pkl', 'detectron', LARGE],
  ['detectron-R50-C4.pkl', 'detectron', LARGE],
  ['faster-rcnn-pytorch-vgg16.pth', 'faster-rcnn-pytorch', MEDIUM],
  ['faster-rcnn-pytorch-res101.pth', 'faster-rcnn-pytorch', MEDIUM],
  ['py-faster-rcnn-vgg16.caffemodel', 'py-faster-rcnn', MEDIUM],
  ['chainercv-vgg16.npz', 'chainercv-vgg16', MEDIUM],
  ['chainercv-fpn-resnet50.npz', 'chainercv-fpn', LARGE],
  ['chainercv-fpn-resnet101.npz', 'chainercv-fpn', LARGE],
]

describe.skipIf(!isParity)('detectors of full size with random weights give the same', () => {
  it.for(CASES)('%s', { timeout: 30 * MINUTES }, async ([fileName, dialect, rule, compared = COMPARED], context) => {
    await withCheckpoint(context, fileName, compared, async ({ path, folder }) => {
      const found = detectorRecipe(await readWeightsOf(path, await readBytes(path)))
      expect(found.dialect).toBe(dialect)
      expect(found.recipe.manifest.input.resize).toMatchObject({ rule: 'shorter', size: rule[0], max: rule[1] })
      const model = await convertDetector(withSmallInput(found.recipe, ...compared), 'float32')
      expect(model.leftOut).toEqual([])
      const [photo, expected] = [readPhoto(folder), readExpected(fileName.replace(/\.\w+$/, ''), folder)]
      const { features, proposals } = await expectSameMaps(model, photo, expected)
      const { box, score } = await expectSameDetections(model, photo, expected)
      const worst = `features ${short(features)}, proposals ${short(proposals)} px, boxes ${short(box)} px, scores ${short(score)}`
      console.info(`${fileName}: ${expected.boxes.length} detections; largest differences: ${worst}`)
    })
  })
})
