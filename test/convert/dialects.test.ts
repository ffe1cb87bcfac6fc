import { describe, expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { detectorRecipe } from '../../src/convert/dialects/index.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import { expectSameDetections, expectSameMaps } from './compare-detector.ts'
import { dialectFile, readExpected, readPhoto, withSmallInput } from './dialect-fixture.ts'

const CASES: readonly (readonly [file: string, title: string, architecture: RegExp])[] = [
  [
    'torchvision-v1.pth',
    'torchvision Faster R-CNN with a feature pyramid',
    /ResNet of 1, 2, 1, 1 units \(stride on the 3x3\), feature pyramid of 8/,
  ],
  ['torchvision-v2.pth', 'torchvision Faster R-CNN with a feature pyramid', /stride on the 3x3/],
  ['torchvision-resnet18.pth', 'torchvision Faster R-CNN with a feature pyramid', /ResNet of 1, 2, 1, 1 units, /],
  ['detectron2-FPN.pkl', 'Detectron2 Faster R-CNN', /FPN of Detectron2, .*stride on the 1x1/],
  ['detectron2-C4.pkl', 'Detectron2 Faster R-CNN', /C4 of Detectron2/],
  ['detectron2-DC5.pkl', 'Detectron2 Faster R-CNN', /DC5 of Detectron2/],
  ['detectron2-X101.pkl', 'Detectron2 Faster R-CNN', /FPN of Detectron2, ResNeXt .* 4x2d \(stride on the 3x3\)/],
  ['mmdetection-pytorch.pth', 'MMDetection Faster R-CNN with a feature pyramid, pytorch style', /stride on the 3x3/],
  ['mmdetection-caffe.pth', 'MMDetection Faster R-CNN with a feature pyramid, caffe style', /stride on the 1x1/],
]

describe.each(CASES)('%s', (fileName, title, architecture) => {
  const name = fileName.replace(/\.\w+$/, '')
  const expected = readExpected(name)
  const photo = readPhoto()
  const file = readWeights(dialectFile(fileName), fileName)
  const found = detectorRecipe(file)
  const converted = convertDetector(withSmallInput(found.recipe), 'float32')

  it('is recognised, and every tensor has its place', async () => {
    expect(found.title).toBe(title)
    const { manifest, leftOut } = await converted
    expect(manifest.architecture).toMatch(architecture)
    expect(leftOut).toEqual([])
  })

  it('gives the features and proposals of PyTorch', async () => expectSameMaps(await converted, photo, expected))

  it('gives the detections of PyTorch', async () => expectSameDetections(await converted, photo, expected))
})
