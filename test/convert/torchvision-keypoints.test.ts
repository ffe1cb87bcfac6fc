import { expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { type DialectOptions, detectorRecipe } from '../../src/convert/dialects/index.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import type { StoredTensor } from '../../src/weights/stored-tensor.ts'
import { dialectFile } from './dialect-fixture.ts'

const zeros = (shape: number[]): StoredTensor => ({
  dtype: 'F32',
  shape,
  bytes: new Uint8Array(shape.reduce((product, dim) => product * dim, 4)),
})

/** The frozen detector of 90 classes with as many as are wanted, and a keypoint head as torchvision's keypoint_rcnn.py has it. */
function keypointRecipe(keypoints: number, options: DialectOptions = {}) {
  const file = readWeights(dialectFile('torchvision-v1.pth'), 'torchvision-v1.pth')
  const tensors = new Map(file.tensors)
  const [, hidden = 0] = tensors.get('roi_heads.box_predictor.cls_score.weight')?.shape ?? []
  tensors.set('roi_heads.box_predictor.cls_score.weight', zeros([2, hidden]))
  tensors.set('roi_heads.box_predictor.cls_score.bias', zeros([2]))
  tensors.set('roi_heads.box_predictor.bbox_pred.weight', zeros([8, hidden]))
  tensors.set('roi_heads.box_predictor.bbox_pred.bias', zeros([8]))
  tensors.set('roi_heads.keypoint_predictor.kps_score_lowres.weight', zeros([8, keypoints, 4, 4]))
  return detectorRecipe({ ...file, tensors }, options).recipe
}

function epsilonOf({ network }: ReturnType<typeof keypointRecipe>): number | undefined {
  const { backbone } = network
  return backbone.family === 'residual' && backbone.norm.kind === 'batch' ? backbone.norm.epsilon : undefined
}

it("torchvision's keypointrcnn has epsilon 0 and finds persons; its keypoint head is left out", async () => {
  const recipe = keypointRecipe(17)
  expect(epsilonOf(recipe)).toBe(0)
  expect(recipe.manifest.labels).toEqual([{ name: 'person', categoryId: 1 }])
  const { leftOut } = await convertDetector(recipe)
  expect(leftOut).toEqual(['roi_heads.keypoint_predictor.kps_score_lowres.weight'])
})

it('other keypoints are those of another training, and a person may name the class', () => {
  expect(epsilonOf(keypointRecipe(4))).toBe(1e-5)
  expect(keypointRecipe(4).manifest.labels[0]?.name).toBe('class 1')
  expect(keypointRecipe(17, { labels: ['dancer'] }).manifest.labels[0]?.name).toBe('dancer')
})
