import { describe, expect, test } from 'vitest'
import {
  countProblems,
  readCocoDataset,
  readVocDataset,
  readVocResults,
  VOC_LABELS,
  writeCocoDataset,
  writeVocDataset,
  writeVocResults,
} from '../../src/formats/index.ts'
import { memoryFolder } from './memory-folder.ts'
import { VOC_XML, vocFolder } from './voc-folder.ts'

describe('VOC folders', () => {
  test('boxes become half-open from 0; ids follow VOC’s classes; marks and splits are kept', async () => {
    const { dataset, problems } = await readVocDataset(
      vocFolder({ 'ImageSets/Main/train.txt': '2007_000027\n', 'ImageSets/Main/dog_train.txt': '2007_000027  1\n' }),
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
    const { dataset } = await readVocDataset(vocFolder({ 'ImageSets/Main/val.txt': '2007_000027' }))
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
      vocFolder({
        'Annotations/a.xml': VOC_XML.slice(0, 300),
        'Annotations/b.xml': `<!DOCTYPE a [<!ENTITY e "x">]>${VOC_XML}`,
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
    await expect(readVocDataset(vocFolder(), { split: 'val' })).rejects.toMatchObject({ code: 'DATA_INVALID' })
  })

  test('characters by number, also of what XML escapes', async () => {
    const text = VOC_XML.replace('2007_000027.jpg', 'caf&#233; &#x1F600; &amp;#233;.jpg')
    const { dataset } = await readVocDataset(memoryFolder([['Annotations/a.xml', text]]))
    expect(dataset.images[0]?.file_name).toBe('café 😀 &#233;.jpg')
  })

  test('lists of one class are no splits, and others are, whatever their names', async () => {
    const lists = { dog_val: '2007_000027 -1', zebra_val: '2007_000027  1\n', fold1_val: '2007_000027\n' }
    const files = Object.entries(lists).map(([name, text]) => [`ImageSets/Main/${name}.txt`, text])
    const { dataset } = await readVocDataset(vocFolder(Object.fromEntries(files)))
    expect(dataset.images[0]?.splits).toEqual(['fold1_val'])
  })

  test('an image without a file name has its XML’s, and results name it by that', async () => {
    const unnamed = VOC_XML.replace(/<filename>.*<\/filename>/, '')
    const { dataset, problems } = await readVocDataset(
      memoryFolder([
        ['Annotations/000005.xml', unnamed],
        ['Annotations/000006.xml', VOC_XML],
        ['Annotations/000007.xml', VOC_XML],
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
    const { dataset } = await readVocDataset(vocFolder())
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

test('a split that would leave its folder is refused', () => {
  for (const split of ['../../etc/x', '..', 'a\\b', '']) {
    const dataset = {
      images: [{ id: 1, file_name: 'a.jpg', width: 4, height: 3, splits: [split] }],
      annotations: [],
      categories: [{ id: 1, name: 'dog' }],
    }
    expect(() => writeVocDataset(dataset), split).toThrow(/split of image 1/)
  }
})
