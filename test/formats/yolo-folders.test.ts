import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Dataset, readVocDataset, readYoloDataset, writeYoloDataset } from '../../src/formats/index.ts'
import { memoryFolder } from './memory-folder.ts'
import { vocFolder } from './voc-folder.ts'

describe('YOLO folders', () => {
  const sizeOf = () => ({ width: 200, height: 100 })
  const yolo = (files: Record<string, string>) =>
    memoryFolder(Object.entries({ 'data.yaml': 'path: .\ntrain: images/train\nnames: [cat, dog]\n', ...files }))

  test('boxes, polygons, images without labels', async () => {
    const { dataset, problems } = await readYoloDataset(
      yolo({
        'images/train/000000000007.jpg': '',
        'images/train/b.png': '',
        'images/train/notes.txt': '',
        'labels/train/000000000007.txt': '1 0.5 0.5 0.1 0.2\n0 0.1 0.1 0.3 0.1 0.3 0.5\n',
      }),
      { sizeOf },
    )
    expect(dataset.categories).toEqual([
      { id: 1, name: 'cat' },
      { id: 2, name: 'dog' },
    ])
    expect(dataset.images).toMatchObject([
      { id: 7, file_name: 'images/train/000000000007.jpg', width: 200 },
      { id: 'b', splits: ['train'] },
    ])
    expect(
      dataset.annotations.map(({ category_id, bbox }) => [category_id, bbox.map((v) => Math.round(v * 1e6) / 1e6)]),
    ).toEqual([
      [2, [90, 40, 20, 20]],
      [1, [20, 10, 40, 40]],
    ])
    expect(problems.map(({ kind }) => kind)).toEqual(['no-annotations'])
  })

  test('names as a map, lists of files, paths of another machine', async () => {
    const { dataset } = await readYoloDataset(
      memoryFolder(
        Object.entries({
          'data.yaml': 'path: /home/me/data\nval: val.txt\nnames:\n  0: a\n  1: b\n',
          'val.txt': './images/x.jpg\n./images/y.jpg\n',
          'images/x.jpg': '',
          'labels/x.txt': '1 0.5 0.5 1 1',
        }),
      ),
      { sizeOf: (path) => (path === 'images/x.jpg' ? { width: 10, height: 10 } : undefined) },
    )
    expect(dataset.images).toMatchObject([{ id: 'x', splits: ['val'] }])
    expect(dataset.annotations).toMatchObject([{ category_id: 2, bbox: [0, 0, 10, 10] }])
  })

  test('splits without pictures and names that are no text are named', async () => {
    const yaml = 'train: [images/train, images/more]\nval: images/val\ntest:\nnames: [cat, 7, null]\n'
    const { dataset, problems } = await readYoloDataset(
      yolo({ 'data.yaml': yaml, 'images/train/a.jpg': '', 'labels/train/a.txt': '1 .5 .5 1 1' }),
      { sizeOf },
    )
    expect(problems.map(({ kind, action, entry }) => `${kind} ${action} ${entry}`)).toEqual([
      'bad-name repaired category 2',
      'bad-name dropped category 3',
      'image-missing dropped train "images/more"',
      'image-missing dropped val "images/val"',
    ])
    expect(dataset.categories.map(({ name }) => name)).toEqual(['cat', '7'])
  })

  test('each bad line is named', async () => {
    const { problems } = await readYoloDataset(
      yolo({
        'images/train/a.jpg': '',
        'labels/train/a.txt': '0 0.5 0.5 nan 1\ncat 1 1 1 1\n0 1 1\n9 .5 .5 .1 .1\n0 .5 .5 0 1\n0 3 3 .1 .1',
      }),
      { sizeOf },
    )
    expect(problems.map(({ kind, file, entry }) => `${kind} ${file} ${entry}`)).toEqual([
      'unreadable labels/train/a.txt line 1',
      'unreadable labels/train/a.txt line 2',
      'unreadable labels/train/a.txt line 3',
      'empty-box labels/train/a.txt annotation 2',
      'unknown-category labels/train/a.txt annotation 1',
      'box-outside labels/train/a.txt annotation 3',
      'no-annotations data.yaml image "a"',
    ])
  })

  test.each([
    ['no data.yaml', [], 'Expected a file data.yaml'],
    ['no YAML', [['data.yaml', 'names: [']], 'Expected YAML in data.yaml'],
    ['no fields', [['data.yaml', '7']], 'for data.yaml'],
    ['no names', [['data.yaml', 'train: x']], 'for names of data.yaml'],
    ['no images', [['data.yaml', 'train: ../../etc\nnames: [a]']], 'Expected images in the folders'],
  ] as const)('refuses %s', async (_, files, message) => {
    await expect(readYoloDataset(memoryFolder(files), { sizeOf })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining(message),
    })
  })

  test('a round trip keeps classes, splits and boxes', async () => {
    const side = fc.double({ min: 0.01, max: 1, noNaN: true })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(side, side, side, side, fc.nat(2)), { minLength: 1, maxLength: 5 }),
        async (boxes) => {
          const dataset: Dataset = {
            images: [{ id: 1, file_name: 'a.jpg', width: 640, height: 427, splits: ['val'] }],
            categories: [1, 18, 90].map((id) => ({ id, name: `class ${id}` })),
            annotations: boxes.map(([x, y, w, h, k], i) => ({
              id: i + 1,
              image_id: 1,
              category_id: [1, 18, 90][k] ?? 1,
              bbox: [x * 300, y * 200, w * 300, h * 200],
              area: w * h * 60000,
              iscrowd: 0,
              difficult: 0,
              truncated: 0,
            })),
          }
          const { files, images } = writeYoloDataset(dataset)
          expect([...images]).toEqual([['a.jpg', 'images/val/a.jpg']])
          const again = await readYoloDataset(memoryFolder([...files, ['images/val/a.jpg', '']]), {
            sizeOf: () => ({ width: 640, height: 427 }),
          })
          expect(again.problems).toEqual([])
          expect(again.dataset.images).toMatchObject([{ splits: ['val'], file_name: 'images/val/a.jpg' }])
          expect(again.dataset.categories.map(({ name }) => name)).toEqual(dataset.categories.map(({ name }) => name))
          dataset.annotations.forEach(({ bbox, category_id }, i) => {
            const back = again.dataset.annotations[i]
            expect([1, 18, 90][(back?.category_id ?? 0) - 1]).toBe(category_id)
            bbox.forEach((value, j) => {
              expect(Math.abs((back?.bbox[j] ?? Number.NaN) - value)).toBeLessThan(1e-9)
            })
          })
        },
      ),
      { numRuns: 50 },
    )
  })

  test('says what YOLO cannot hold', async () => {
    const { dataset } = await readVocDataset(vocFolder())
    const { files, problems } = writeYoloDataset(dataset)
    expect(problems.map(({ kind, entry }) => [kind, entry])).toEqual([['not-held', 'annotation 2']])
    expect(files.get('labels/train/2007_000027.txt')?.split('\n')).toHaveLength(2)
    const [image] = dataset.images
    expect(() =>
      writeYoloDataset({ ...dataset, images: [{ ...(image ?? { id: 0, file_name: '' }), width: 0, height: 0 }] }),
    ).toThrow('size of image')
  })
})

test('a split or a picture that would leave its folder is refused', () => {
  const image = { id: 1, file_name: 'a.jpg', width: 4, height: 3, splits: ['train'] }
  for (const own of [{ splits: ['../x'] }, { file_name: '../../a.jpg' }, { file_name: '/a.jpg' }]) {
    const dataset = { images: [{ ...image, ...own }], annotations: [], categories: [{ id: 1, name: 'dog' }] }
    expect(() => writeYoloDataset(dataset), JSON.stringify(own)).toThrow(/of image 1/)
  }
})
