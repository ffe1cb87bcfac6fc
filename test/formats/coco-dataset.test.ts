import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DatasetProblem, readCocoDataset, writeCocoDataset } from '../../src/formats/index.ts'
import { readJsonEntries } from '../../src/formats/json-stream.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function* pieces(whole: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size)
}

const image = { id: 1, file_name: 'a.jpg', width: 100, height: 80 }
const category = { id: 3, name: 'dog' }
const annotation = { id: 5, image_id: 1, category_id: 3, bbox: [1, 2, 30, 40] }
const base = { images: [image], categories: [category], annotations: [annotation] }
const read = (file: unknown) => readCocoDataset(JSON.stringify(file), { file: 'a.json' })
const kinds = (problems: readonly DatasetProblem[]) => problems.map(({ kind, action }) => `${kind} ${action}`)

describe('readJsonEntries', () => {
  test('gives what JSON.parse gives, wherever the pieces end', async () => {
    const field = fc.string().filter((name) => name !== '__proto__')
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.dictionary(field, fc.jsonValue()), fc.array(fc.jsonValue())),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(undefined, 1, '\t'),
        async (value, size, indent) => {
          const fields = new Map<string | undefined, unknown>()
          await readJsonEntries(pieces(bytes(JSON.stringify(value, null, indent)), size), 'f', (entry, name, index) => {
            const list = fields.get(name)
            if (index < 0) fields.set(name, entry)
            else if (Array.isArray(list)) list.push(entry)
          })
          const whole = Array.isArray(value) ? fields.get(undefined) : Object.fromEntries(fields)
          expect(whole).toEqual(JSON.parse(JSON.stringify(value)))
        },
      ),
      { numRuns: 200 },
    )
  })

  test.each([
    '',
    '{',
    '[1',
    '[1,',
    '{"a"',
    '{"a":',
    '{"a":[{}',
    '{"a":"b',
    '[1]x',
    '[1,]',
    '[,1]',
    '{"a":1,}',
    '{"a" 1}',
    '7',
    '{a:1}',
    '[{"a":}]',
    '[1}',
    '{"a":]}',
  ])('refuses %j', async (text) => {
    for (const size of [1, 100]) {
      await expect(readJsonEntries(pieces(bytes(text), size), 'f.json', () => {})).rejects.toMatchObject({
        code: 'DATA_INVALID',
        message: expect.stringMatching(/^Expected JSON in f\.json but .*\.$/),
      })
    }
  })

  test('says where a file breaks off', async () => {
    await expect(readJsonEntries([bytes('[{"a": 1}, {"b"')], 'f', () => {})).rejects.toThrow(
      'Expected JSON in f but it breaks off after 15 bytes.',
    )
  })
})

describe('readCocoDataset', () => {
  test('keeps every field, and writing gives them back', async () => {
    const file = {
      info: { year: 2014 },
      licenses: [{ id: 1, name: 'CC' }],
      images: [{ ...image, flickr_url: 'x' }],
      categories: [{ ...category, supercategory: 'animal' }],
      annotations: [
        { ...annotation, area: 700.5, iscrowd: 1, segmentation: { counts: [1, 2], size: [80, 100] } },
        { ...annotation, id: 6, area: 1200, iscrowd: 0, difficult: 1 },
      ],
    }
    const { dataset, problems } = await read(file)
    expect(problems).toEqual([])
    expect(dataset.annotations[0]).toMatchObject({ area: 700.5, iscrowd: 1, difficult: 0, truncated: 0 })
    expect(JSON.parse(writeCocoDataset(dataset))).toEqual(file)
    const lean = await readCocoDataset([bytes(JSON.stringify(file))], { keepOther: false })
    expect(JSON.parse(writeCocoDataset(lean.dataset))).not.toHaveProperty('info')
    expect(lean.dataset.annotations[0]).not.toHaveProperty('other')
  })

  test.each<[string, object, string[], number]>([
    ['nothing wrong', {}, [], 1],
    ['an image twice', { images: [image, image] }, ['duplicate-id dropped'], 1],
    ['an image that is no object', { images: [image, 7] }, ['unreadable dropped'], 1],
    ['an image without an id', { images: [image, { file_name: 'b.jpg' }] }, ['bad-id dropped'], 1],
    ['an image without a name', { images: [{ ...image, file_name: 3 }] }, ['bad-name repaired'], 1],
    [
      'two images of one name',
      { images: [image, { ...image, id: 9 }] },
      ['duplicate-name kept', 'no-annotations kept'],
      1,
    ],
    ['an image without a size', { images: [{ ...image, width: -1 }] }, ['bad-size repaired'], 1],
    ['a category twice', { categories: [category, category] }, ['duplicate-id dropped'], 1],
    ['two categories of one name', { categories: [category, { id: 4, name: 'dog' }] }, ['duplicate-name kept'], 1],
    ['an annotation twice', { annotations: [annotation, annotation] }, ['duplicate-id dropped'], 1],
    [
      'two annotations of one id',
      { annotations: [annotation, { ...annotation, bbox: [0, 0, 9, 9] }] },
      ['duplicate-id repaired'],
      2,
    ],
    [
      'an unknown image',
      { annotations: [annotation, { ...annotation, id: 6, image_id: 2 }] },
      ['unknown-image dropped'],
      1,
    ],
    [
      'an unknown category',
      { annotations: [annotation, { ...annotation, id: 6, category_id: 1 }] },
      ['unknown-category dropped'],
      1,
    ],
    [
      'a negative side',
      { annotations: [{ ...annotation, bbox: [0, 0, -1, 1] }] },
      ['bad-box dropped', 'no-annotations kept'],
      0,
    ],
    [
      'an empty box',
      { annotations: [{ ...annotation, bbox: [0, 0, 1, 0] }] },
      ['empty-box dropped', 'no-annotations kept'],
      0,
    ],
    [
      'a box outside',
      { annotations: [{ ...annotation, bbox: [100, 0, 9, 9] }] },
      ['box-outside dropped', 'no-annotations kept'],
      0,
    ],
    ['a box partly outside', { annotations: [{ ...annotation, bbox: [95, 0, 9, 9] }] }, ['box-beyond kept'], 1],
    ['a box a pixel outside', { annotations: [{ ...annotation, bbox: [-1, -1, 102, 82] }] }, [], 1],
    ['a negative area', { annotations: [{ ...annotation, area: -1 }] }, ['bad-area repaired'], 1],
    ['a crowd of two', { annotations: [{ ...annotation, iscrowd: 2 }] }, ['bad-flag repaired'], 1],
    ['no annotations', { annotations: [] }, ['no-annotations kept'], 0],
  ])('%s', async (_, change, expected, annotations) => {
    const { dataset, problems } = await read({ ...base, ...change })
    expect(kinds(problems)).toEqual(expected)
    expect(dataset.annotations).toHaveLength(annotations)
    for (const { file, message } of problems)
      expect([file, message]).toEqual(['a.json', expect.stringMatching(/^a\.json, .+: .+\.$/)])
    const again = await read(JSON.parse(writeCocoDataset(dataset)))
    expect(kinds(again.problems).filter((kind) => !/kept$|^bad-size/.test(kind))).toEqual([])
  })

  test('NaN, which Python writes, is a bad box and not a broken file; names that look like it stay', async () => {
    const text = JSON.stringify({ ...base, images: [{ ...image, file_name: 'NaN "Infinity".jpg' }] })
    const { dataset, problems } = await readCocoDataset(text.replace('[1,2,30,40]', '[1,NaN,-Infinity,40]'))
    expect(kinds(problems)).toEqual(['bad-box dropped', 'no-annotations kept'])
    expect(dataset.images[0]?.file_name).toBe('NaN "Infinity".jpg')
  })

  test.each<[string, unknown, string]>([
    ['results', [annotation], 'Expected an object with images, annotations and categories in a.json'],
    ['a file without annotations', { images: [], categories: [] }, 'Expected an array for annotations in a.json'],
    ['images that are no array', { ...base, images: {} }, 'Expected an array for images in a.json'],
  ])('refuses %s', async (_, file, message) => {
    await expect(read(file)).rejects.toMatchObject({ code: 'DATA_INVALID', message: expect.stringContaining(message) })
  })

  test('stops when told to', async () => {
    const stop = new AbortController()
    const chunks = function* (): Generator<Uint8Array> {
      yield bytes('{"images": [')
      stop.abort()
      yield bytes(']')
    }
    await expect(readCocoDataset(chunks(), { signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
