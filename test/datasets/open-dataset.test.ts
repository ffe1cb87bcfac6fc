import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, describe, expect, it } from 'vitest'
import { openDataset } from '../../src/datasets/open-dataset.node.ts'
import { subset } from '../../src/datasets/subset.ts'
import { temporaryFolder } from '../tiny-model.ts'

let folder: string

beforeEach(() => {
  folder = temporaryFolder()
})

function write(path: string, content: string | Uint8Array | object): string {
  const full = join(folder, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content))
  return full
}

async function photo(path: string, width = 8, height = 6): Promise<string> {
  const image = sharp({ create: { width, height, channels: 3, background: '#808080' } })
  return write(path, new Uint8Array(await image.png().toBuffer()))
}

const instances = {
  images: [
    { id: 1, file_name: 'a.png', width: 8, height: 6 },
    { id: 2, file_name: 'more/b.png', width: 8, height: 6 },
  ],
  annotations: [
    { id: 1, image_id: 1, category_id: 3, bbox: [1, 1, 4, 4] },
    { id: 2, image_id: 2, category_id: 5, bbox: [0, 0, 2, 2] },
  ],
  categories: [
    { id: 3, name: 'dog' },
    { id: 5, name: 'cat' },
  ],
}

const xml = (object = '') =>
  `<annotation><filename>a.jpg</filename><size><width>8</width><height>6</height></size>${object}</annotation>`

describe('openDataset', () => {
  it('opens a COCO file and finds its photos where they usually are', async () => {
    const file = write('annotations/instances_val.json', instances)
    for (const place of ['images/val', 'val', 'annotations', 'annotations/images']) {
      await photo(`${place}/more/b.png`)
      const { format, photos, photoPath, problems } = await openDataset(file)
      expect([format, photos, problems]).toEqual(['coco', join(folder, place), []])
      expect(photoPath('more/b.png')).toBe(join(folder, place, 'more/b.png'))
    }
    const { photos } = await openDataset(file, { photos: folder })
    expect(photos).toBe(folder)
    expect((await openDataset(join(folder, 'annotations'))).dataset.images).toHaveLength(2)
  })

  it('opens a VOC folder, whose photos may have other endings than the XML says', async () => {
    write('Annotations/a.xml', xml())
    write('Annotations/b.xml', xml().replace('a.jpg', 'b.jpg'))
    write('ImageSets/Main/val.txt', 'a\n')
    const path = await photo('JPEGImages/a.png')
    write('JPEGImages/a.txt', 'no picture')
    const { format, dataset, photoPath, problems } = await openDataset(folder, { split: 'val' })
    expect([format, dataset.images.length]).toEqual(['voc', 1])
    expect(photoPath('a.jpg')).toBe(path)
    expect(problems.map(({ kind }) => kind)).toEqual(['no-annotations'])
    await expect(openDataset(folder, { split: 'test' })).rejects.toThrow('Expected one of val for split')
  })

  it('reads XML in the encoding that it declares, and counts what is not in it', async () => {
    const text = xml().replace('a.jpg', 'é.jpg')
    write('Annotations/a.xml', Buffer.from(`<?xml version="1.0" encoding="ISO-8859-1"?>${text}`, 'latin1'))
    write('Annotations/b.xml', Buffer.from(text, 'latin1'))
    write('Annotations/c.xml', `<?xml version="1.0" encoding="utf-16"?>${text.replace('é', 'è')}`)
    const { dataset, files, problems } = await openDataset(folder)
    expect(dataset.images.map(({ file_name }) => file_name)).toEqual(['é.jpg', 'è.jpg'])
    expect(problems[0]?.message).toContain('b.xml in utf-8 but it cannot be decoded as that.')
    expect(files.size).toBe(3)
  })

  it('opens a YOLO folder by itself or its data.yaml, and says what is wrong with its photos', async () => {
    const yaml = write('data.yaml', 'train: images/train\nnames: [dog, cat]\n')
    await photo('images/train/a.png', 20, 10)
    write('images/train/b.png', 'no picture')
    write('labels/train/a.txt', '1 0.5 0.5 0.5 0.5\n')
    for (const path of [folder, yaml]) {
      const { format, dataset, problems } = await openDataset(path)
      expect(format).toBe('yolo')
      expect(dataset.images).toMatchObject([{ file_name: 'images/train/a.png', width: 20, height: 10 }])
      expect(dataset.annotations).toMatchObject([{ category_id: 2, bbox: [5, 2.5, 10, 5] }])
      expect(problems).toMatchObject([{ kind: 'unreadable', action: 'dropped' }])
      expect(problems[0]?.message).toMatch(/^images\/train\/b\.png, image .*: Expected a picture in .*b\.png/)
    }
  })

  it('takes the size of a photo upright', async () => {
    write('data.yaml', 'train: images\nnames: [dog]\n')
    const image = sharp({ create: { width: 8, height: 6, channels: 3, background: '#808080' } })
    write('images/a.jpg', new Uint8Array(await image.withMetadata({ orientation: 6 }).jpeg().toBuffer()))
    expect((await openDataset(folder)).dataset.images).toMatchObject([{ width: 6, height: 8 }])
  })

  it('refuses what is no dataset, in one sentence', async () => {
    const reason = (path: string, options = {}) =>
      openDataset(path, options).then(
        () => undefined,
        (error: Error & { code: string }) => `${error.code}: ${error.message}`,
      )
    expect(await reason(join(folder, 'none'))).toMatch(/^DATA_INVALID: Expected a dataset but there is nothing at/)
    expect(await reason(folder)).toMatch(/^DATA_INVALID: .* but it has none of these\.$/)
    const coco = write('a.json', instances)
    expect(await reason(coco, { photos: join(folder, 'none') })).toMatch(/^INVALID_ARGUMENT: Expected an existing/)
    expect(await reason(coco, { split: 'val' })).toMatch(/^INVALID_ARGUMENT: Expected none, as a COCO file/)
    expect(await reason(write('b.json', '{"images": [{"id": 1'))).toMatch(/^DATA_INVALID: .*b\.json.*breaks off/)
    expect(await reason(folder)).toMatch(/but it has 2 JSON files: give one of them\.$/)
    expect(await reason(write('c.json', '<annotation/>'))).toMatch(/^DATA_INVALID: Expected JSON in c\.json/)
    expect(await reason(write('d.json', '[{"image_id": 1}]'))).toMatch(/^DATA_INVALID: .* received an array\.$/)
    expect(await reason(write('e.json', { images: [] }))).toMatch(/^DATA_INVALID: .*annotations/)
  })

  it('stops when it is cancelled', async () => {
    const file = write('a.json', instances)
    await expect(openDataset(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('subset', () => {
  it('keeps the first images, or some classes', async () => {
    const { dataset } = await openDataset(write('a.json', instances))
    expect(subset(dataset, {})).toEqual(dataset)
    const first = subset(dataset, { limit: 1 })
    expect([first.images.length, first.annotations.length, first.categories.length]).toEqual([1, 1, 2])
    const cats = subset(dataset, { classes: ['cat'] })
    expect([cats.images.length, cats.annotations.length, cats.categories.length]).toEqual([2, 1, 1])
    expect(() => subset(dataset, { classes: ['cow'] })).toThrow('Expected classes of the dataset (dog, cat)')
  })
})
