import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkImageFiles,
  countProblems,
  type Dataset,
  readCocoDataset,
  readVocDataset,
  readVocResults,
  readYoloDataset,
  summarizeDataset,
  VOC_LABELS,
  writeCocoDataset,
  writeVocDataset,
  writeVocResults,
  writeYoloDataset,
} from '../../src/formats/index.ts'
import { memoryFolder } from './memory-folder.ts'

// The form of VOC2012's own files.
const XML = `<annotation>
	<folder>VOC2012</folder>
	<filename>2007_000027.jpg</filename>
	<source><database>The VOC2007 Database</database><image>flickr</image></source>
	<size><width>486</width><height>500</height><depth>3</depth></size>
	<segmented>0</segmented>
	<object>
		<name>person</name>
		<pose>Unspecified</pose>
		<truncated>1</truncated>
		<difficult>0</difficult>
		<bndbox><xmin>174</xmin><ymin>101</ymin><xmax>349</xmax><ymax>351</ymax></bndbox>
		<part><name>head</name><bndbox><xmin>169</xmin><ymin>104</ymin><xmax>209</xmax><ymax>146</ymax></bndbox></part>
		<part><name>hand</name><bndbox><xmin>278</xmin><ymin>210</ymin><xmax>297</xmax><ymax>233</ymax></bndbox></part>
	</object>
	<object>
		<name>dog</name>
		<difficult>1</difficult>
		<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>1</xmax><ymax>500</ymax></bndbox>
	</object>
</annotation>`
const voc = (files: Record<string, string> = {}) =>
  memoryFolder(Object.entries({ 'Annotations/2007_000027.xml': XML, ...files }))

describe('VOC folders', () => {
  test('boxes become half-open from 0; ids follow VOC’s classes; marks and splits are kept', async () => {
    const { dataset, problems } = await readVocDataset(
      voc({ 'ImageSets/Main/train.txt': '2007_000027\n', 'ImageSets/Main/dog_train.txt': '2007_000027  1\n' }),
    )
    expect(problems).toEqual([])
    expect(dataset.categories).toHaveLength(20)
    expect(dataset.images).toMatchObject([
      { id: '2007_000027', file_name: '2007_000027.jpg', width: 486, height: 500, splits: ['train'] },
    ])
    expect(dataset.annotations).toMatchObject([
      { id: 1, category_id: 15, bbox: [173, 100, 176, 251], area: 176 * 251, truncated: 1, difficult: 0 },
      { id: 2, category_id: 12, bbox: [0, 0, 1, 500], truncated: 0, difficult: 1 },
    ])
  })

  test('writing gives back what was read, also by way of COCO', async () => {
    const { dataset } = await readVocDataset(voc({ 'ImageSets/Main/val.txt': '2007_000027' }))
    const byCoco = (await readCocoDataset(writeCocoDataset(dataset))).dataset
    expect(byCoco).toEqual(dataset)
    for (const from of [dataset, byCoco]) {
      const { files, images, problems } = writeVocDataset(from)
      expect([[...files.keys()], [...images], problems]).toEqual([
        ['Annotations/2007_000027.xml', 'ImageSets/Main/val.txt'],
        [['2007_000027.jpg', 'JPEGImages/2007_000027.jpg']],
        [],
      ])
      const again = await readVocDataset(memoryFolder(files))
      expect(again.problems).toEqual([])
      // The second object had no pose; VOC's word for that is written.
      const [person, dog] = again.dataset.annotations
      expect(person).toEqual(dataset.annotations[0])
      expect(dog).toEqual({ ...dataset.annotations[1], other: { pose: 'Unspecified' } })
      expect(again.dataset.images).toEqual(dataset.images)
    }
  })

  test('names with markup, crowds, and decimals', async () => {
    const { dataset } = await readCocoDataset(
      JSON.stringify({
        images: [{ id: 7, file_name: 'a & b.jpg', width: 50, height: 40 }],
        categories: [{ id: 2, name: '<dog> & "cat"' }],
        annotations: [{ id: 1, image_id: 7, category_id: 2, bbox: [0.25, 1.5, 10.125, 20], iscrowd: 1 }],
      }),
    )
    const { files, problems } = writeVocDataset(dataset)
    expect([...countProblems(problems)]).toEqual([['not-held', 1]])
    const again = (await readVocDataset(memoryFolder(files))).dataset
    expect(again.categories).toMatchObject([{ id: 1, name: '<dog> & "cat"' }])
    expect(again.images).toMatchObject([{ id: 'a & b', file_name: 'a & b.jpg' }])
    expect(again.annotations).toMatchObject([{ bbox: [0.25, 1.5, 10.125, 20], difficult: 1, iscrowd: 0 }])
  })

  test('each bad file is named and the others are read', async () => {
    const object = (inside: string) => `<annotation><filename>x.jpg</filename>${inside}</annotation>`
    const { dataset, problems } = await readVocDataset(
      voc({
        'Annotations/a.xml': XML.slice(0, 300),
        'Annotations/b.xml': `<!DOCTYPE a [<!ENTITY e "x">]>${XML}`,
        'Annotations/c.xml': '<html></html>',
        'Annotations/d.xml': object('<object><name>cat</name></object><object/>'),
        'ImageSets/Main/test.txt': '2007_000027\na\nb\nc\nd\nmissing\n',
      }),
      { split: 'test' },
    )
    expect(problems.map(({ kind, file }) => [kind, file])).toEqual([
      ['missing-annotations', 'Annotations/missing.xml'],
      ['unreadable', 'Annotations/a.xml'],
      ['unreadable', 'Annotations/b.xml'],
      ['unreadable', 'Annotations/c.xml'],
      ['bad-size', 'Annotations/d.xml'],
      ['bad-box', 'Annotations/d.xml'],
      ['bad-box', 'Annotations/d.xml'],
      ['no-annotations', 'Annotations'],
    ])
    expect(dataset.images.map(({ id }) => id)).toEqual(['2007_000027', 'd'])
  })

  test('a folder or split that is not there is refused', async () => {
    await expect(readVocDataset(memoryFolder([]))).rejects.toThrow('Expected XML files in Annotations but found none.')
    await expect(readVocDataset(voc(), { split: 'val' })).rejects.toMatchObject({ code: 'DATA_INVALID' })
  })

  test('characters by number, also of what XML escapes', async () => {
    const text = XML.replace('2007_000027.jpg', 'caf&#233; &#x1F600; &amp;#233;.jpg')
    const { dataset } = await readVocDataset(memoryFolder([['Annotations/a.xml', text]]))
    expect(dataset.images[0]?.file_name).toBe('café 😀 &#233;.jpg')
  })

  test('lists of one class are no splits, and others are, whatever their names', async () => {
    const lists = { dog_val: '2007_000027 -1', zebra_val: '2007_000027  1\n', fold1_val: '2007_000027\n' }
    const files = Object.entries(lists).map(([name, text]) => [`ImageSets/Main/${name}.txt`, text])
    const { dataset } = await readVocDataset(voc(Object.fromEntries(files)))
    expect(dataset.images[0]?.splits).toEqual(['fold1_val'])
  })

  test('an image without a file name has its XML’s, and results name it by that', async () => {
    const unnamed = XML.replace(/<filename>.*<\/filename>/, '')
    const { dataset, problems } = await readVocDataset(
      memoryFolder([
        ['Annotations/000005.xml', unnamed],
        ['Annotations/000006.xml', XML],
        ['Annotations/000007.xml', XML],
      ]),
    )
    expect(dataset.images.map(({ file_name }) => file_name)).toEqual(['000005', '2007_000027.jpg', '2007_000027.jpg'])
    expect(problems.map(({ kind }) => kind)).toEqual(['bad-name', 'duplicate-name'])
    const lines = ['000005', '000006', '000007'].map((name) => `${name} 0.5 1 1 2 2`)
    const results = readVocResults(new Map([['comp4_det_test_dog.txt', lines.join('\n')]]), dataset)
    expect(results.map(({ image_id }) => image_id)).toEqual([5, 6, 7])
  })

  test('only VOC’s own fields are written, as text that XML can hold', async () => {
    const { dataset } = await readCocoDataset(
      JSON.stringify({
        images: [
          { id: 1, file_name: 'a.jpg', width: 9, height: 9, source: { database: 'x\u0000<', 'a><b': 1 }, owner: 5 },
        ],
        categories: [{ id: 1, name: 'my dog\u001b' }],
        annotations: [
          { id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 2, 2], pose: { a: 1 }, part: [{ 'x y': 1 }, 7] },
        ],
      }),
    )
    const { files, problems } = writeVocDataset(dataset)
    for (const text of ['a><b', 'x y', '\u0000']) expect(files.get('Annotations/a.xml')).not.toContain(text)
    expect(problems.map(({ kind, entry }) => `${kind} ${entry}`)).toEqual(['not-held category 1'])
    const again = await readVocDataset(memoryFolder(files))
    expect(again.dataset.images[0]?.other).toMatchObject({ source: { database: 'x<' } })
    expect(again.dataset.categories).toEqual([{ id: 1, name: 'my dog' }])
  })

  test('results files come back as they were written', async () => {
    const { dataset } = await readVocDataset(voc())
    const detection = { box: [10, 20, 30, 40], label: 'dog', classIndex: 11, categoryId: 12, score: 0.75 } as const
    const files = writeVocResults(
      [{ file: 'x/2007_000027.jpg', width: 486, height: 500, detections: [detection] }],
      VOC_LABELS,
    )
    expect(readVocResults(files, dataset)).toEqual([
      { image_id: '2007_000027', category_id: 12, bbox: [10, 20, 30, 40], score: 0.75 },
    ])
    const refused = (name: string, text: string) => () => readVocResults(new Map([[name, text]]), dataset)
    expect(refused('comp4_det_test_dog.txt', '2007_000027 0.5 1 2 3')).toThrow('line 1 of comp4_det_test_dog.txt')
    expect(refused('comp4_det_test_dog.txt', '2007_000027 x 1 2 3 4')).toThrow('line 1 of comp4_det_test_dog.txt')
    expect(refused('comp4_det_test_dog.txt', '\nother 0.5 1 2 3 4')).toThrow('image of line 2')
    expect(refused('comp4_det_test_fox.txt', '')).toThrow('comp4_det_test_<class>.txt')
    expect(refused('dog.txt', '')).toThrow('comp4_det_test_<class>.txt')
  })
})

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
    const { dataset } = await readVocDataset(voc())
    const { files, problems } = writeYoloDataset(dataset)
    expect(problems.map(({ kind, entry }) => [kind, entry])).toEqual([['not-held', 'annotation 2']])
    expect(files.get('labels/train/2007_000027.txt')?.split('\n')).toHaveLength(2)
    const [image] = dataset.images
    expect(() =>
      writeYoloDataset({ ...dataset, images: [{ ...(image ?? { id: 0, file_name: '' }), width: 0, height: 0 }] }),
    ).toThrow('size of image')
  })
})

test('summarizeDataset and checkImageFiles', async () => {
  const { dataset } = await readVocDataset(voc({ 'ImageSets/Main/val.txt': '2007_000027' }))
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
