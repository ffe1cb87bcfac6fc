import { describe, expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { detectorRecipe } from '../../src/convert/dialects/index.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import { expectSameDetections, expectSameMaps } from './compare-detector.ts'
import { dialectFile, readExpected, readPhoto, withSmallInput } from './dialect-fixture.ts'

const CASES: readonly (readonly [file: string, dialect: string, architecture: RegExp])[] = [
  ['faster-rcnn-pytorch-vgg16.pth', 'faster-rcnn-pytorch', /faster-rcnn\.pytorch, VGG-16$/],
  ['faster-rcnn-pytorch-res101.pth', 'faster-rcnn-pytorch', /faster-rcnn\.pytorch, ResNet .*stride on the 1x1/],
  ['py-faster-rcnn.caffemodel', 'py-faster-rcnn', /py-faster-rcnn, VGG-16$/],
  ['chainercv-vgg16.npz', 'chainercv-vgg16', /ChainerCV, VGG-16$/],
  ['chainercv-fpn.npz', 'chainercv-fpn', /ChainerCV, ResNet .*stride on the 1x1.* 8 channels/],
  ['mmdetection1-caffe.pth', 'mmdetection1-caffe', /MMDetection 1, ResNet .*stride on the 1x1/],
  ['detectron-c4.pkl', 'detectron', /C4 of Detectron, ResNet .*stride on the 1x1/],
  ['detectron-fpn.pkl', 'detectron', /of Detectron, ResNet .*stride on the 1x1/],
]

/** In pixels, and as a probability: what folding the normalisations into float32 kernels leaves. */
const TOLERANCE = { box: 0.02, score: 5e-4 }

describe.each(CASES)('%s', (fileName, dialect, architecture) => {
  const expected = readExpected(fileName.replace(/\.\w+$/, ''))
  const photo = readPhoto()
  const file = readWeights(dialectFile(fileName), fileName)
  const converted = convertDetector(withSmallInput(detectorRecipe(file).recipe), 'float32')

  it('is recognised, and every tensor has its place', async () => {
    expect(detectorRecipe(file).dialect).toBe(dialect)
    const { manifest, leftOut } = await converted
    expect(manifest.architecture).toMatch(architecture)
    expect(leftOut).toEqual([])
  })

  it('gives the features and proposals of the reference', async () =>
    expectSameMaps(await converted, photo, expected, TOLERANCE))

  it('gives the detections of the reference', async () =>
    expectSameDetections(await converted, photo, expected, TOLERANCE))
})
