import { expect, test } from 'vitest'
import { checkImageFiles, readVocDataset, summarizeDataset } from '../../src/formats/index.ts'
import { vocFolder } from './voc-folder.ts'

test('summarizeDataset and checkImageFiles', async () => {
  const { dataset } = await readVocDataset(vocFolder({ 'ImageSets/Main/val.txt': '2007_000027' }))
  const summary = summarizeDataset(dataset)
  expect(summary).toMatchObject({
    images: 1,
    annotations: 2,
    imagesWithoutAnnotations: 0,
    difficult: 1,
    truncated: 1,
    areas: { small: 1, medium: 0, large: 1 },
    smallest: { width: 486, height: 500 },
  })
  expect(summary.categories[14]).toEqual({ id: 15, name: 'person', annotations: 1, images: 1 })
  expect([...summary.splits]).toEqual([['val', 1]])
  expect(await checkImageFiles(dataset, () => ({ width: 486, height: 500 }))).toEqual([])
  expect(await checkImageFiles(dataset, () => ({ width: 500, height: 486 }))).toMatchObject([{ kind: 'image-size' }])
  expect(await checkImageFiles(dataset, () => undefined)).toMatchObject([
    { kind: 'image-missing', message: '2007_000027.jpg, image 2007_000027: the file is not there.' },
  ])
})
