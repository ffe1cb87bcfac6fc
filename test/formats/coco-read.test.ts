import { describe, expect, test } from 'vitest'
import { readCocoInstances, readCocoResults } from '../../src/formats/index.ts'

const image = { id: 1, file_name: 'a.jpg', width: 10, height: 8 }
const category = { id: 3, name: 'dog', supercategory: 'animal' }
const annotation = { id: 5, image_id: 1, category_id: 3, bbox: [1, 2, 3, 4] }
const file = { images: [image], categories: [category], annotations: [annotation] }

describe('readCocoInstances', () => {
  test('keeps what is used and fills in what may be missing', () => {
    expect(readCocoInstances(JSON.stringify({ ...file, info: {} }))).toEqual({
      images: [image],
      categories: [{ id: 3, name: 'dog' }],
      annotations: [{ ...annotation, area: 12, iscrowd: 0, difficult: 0 }],
    })
    const full = { ...annotation, area: 7.5, iscrowd: 1, difficult: true }
    expect(readCocoInstances({ ...file, annotations: [full] }).annotations[0]).toEqual({ ...full, difficult: 1 })
  })

  test.each<[string, unknown, string]>([
    ['not JSON', '{"images": [', 'Expected JSON in a.json but it could not be parsed'],
    ['results', [], 'Expected an object with images, annotations and categories for a.json but received [].'],
    ['no images', { ...file, images: undefined }, 'Expected an array for images of a.json'],
    ['an image twice', { ...file, images: [image, image] }, 'Expected each id once for id in images of a.json'],
    ['an image of no size', { ...file, images: [{ ...image, width: 0 }] }, 'for width of images[0] of a.json'],
    ['an image without a name', { ...file, images: [{ id: 1 }] }, 'Expected a string for file_name of images[0]'],
    ['a category id that is no number', { ...file, categories: [{ id: '3', name: '' }] }, 'id of categories[0]'],
    ['an annotation twice', { ...file, annotations: [annotation, annotation] }, 'id in annotations'],
    ['an unknown image', { ...file, annotations: [{ ...annotation, image_id: 2 }] }, 'image_id of annotations[0]'],
    [
      'an unknown category',
      { ...file, annotations: [{ ...annotation, category_id: 1 }] },
      'category_id of annotations[0]',
    ],
    ['a negative side', { ...file, annotations: [{ ...annotation, bbox: [0, 0, -1, 1] }] }, 'bbox of annotations[0]'],
    ['a short box', { ...file, annotations: [{ ...annotation, bbox: [0, 0, 1] }] }, 'bbox of annotations[0]'],
    ['a negative area', { ...file, annotations: [{ ...annotation, area: -1 }] }, 'area of annotations[0]'],
    ['a crowd of two', { ...file, annotations: [{ ...annotation, iscrowd: 2 }] }, 'Expected 0 or 1 for iscrowd'],
    [
      'no object',
      { ...file, annotations: [null] },
      'Expected an object for annotations[0] of a.json but received null.',
    ],
  ])('refuses %s', (_, json, message) => {
    expect(() => readCocoInstances(json, 'a.json')).toThrow(
      expect.objectContaining({ code: 'DATA_INVALID', message: expect.stringContaining(message) }),
    )
  })
})

describe('readCocoResults', () => {
  const result = { image_id: 1, category_id: 3, bbox: [1, 2, 3, 4], score: 0.5 }

  test('reads numbers and strings as image ids', () => {
    const results = [result, { ...result, image_id: 'a', segmentation: [] }]
    expect(readCocoResults(JSON.stringify(results))).toEqual([result, { ...result, image_id: 'a' }])
  })

  test.each<[string, unknown, string]>([
    ['annotations', file, 'Expected an array of results for r.json'],
    ['a score that is no number', [{ ...result, score: '0.5' }], 'Expected a finite number for score of [0] of r.json'],
    ['a NaN box', [result, { ...result, bbox: [Number.NaN, 0, 1, 1] }], 'bbox of [1] of r.json'],
    ['no image id', [{ ...result, image_id: null }], 'Expected an integer or a string for image_id'],
  ])('refuses %s', (_, json, message) => {
    expect(() => readCocoResults(json, 'r.json')).toThrow(
      expect.objectContaining({ code: 'DATA_INVALID', message: expect.stringContaining(message) }),
    )
  })
})
