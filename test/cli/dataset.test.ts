import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

let folder: string

beforeAll(async () => {
  folder = temporaryFolder()
  mkdirSync(join(folder, 'images'))
  for (const [name, width] of Object.entries({ a: 40, b: 40, c: 30 })) {
    const image = sharp({ create: { width, height: 20, channels: 3, background: '#808080' } })
    await image.png().toFile(join(folder, `images/${name}.png`))
  }
  write('good.json', good)
})

const good = {
  images: [
    { id: 1, file_name: 'a.png', width: 40, height: 20 },
    { id: 2, file_name: 'b.png', width: 40, height: 20 },
  ],
  annotations: [
    { id: 1, image_id: 1, category_id: 7, bbox: [1.5, 2, 10, 12], area: 120, iscrowd: 0 },
    { id: 2, image_id: 1, category_id: 9, bbox: [0, 0, 40, 20], area: 800, iscrowd: 0, difficult: 1 },
    { id: 3, image_id: 2, category_id: 9, bbox: [30, 4, 8, 8], area: 64, iscrowd: 0 },
  ],
  categories: [
    { id: 7, name: 'dog' },
    { id: 9, name: 'cat' },
  ],
}

function write(name: string, content: object | string): void {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
}

const dataset = (...args: string[]) => runCli(['dataset', ...args], { cwd: folder })

describe('vertebra dataset', { timeout: 120_000 }, () => {
  it('sums up', async () => {
    const { code, stdout, stderr } = await dataset('good.json')
    expect([code, stderr]).toEqual([0, 'No problems found.\n'])
    expect(stdout).toBe(`  format       coco
  photos       2, 0 without objects, in images
  photo size   40 x 20
  objects      3, of them 0 crowds, 1 difficult, 0 truncated
  object size  3 small (below 32 x 32), 0 medium, 0 large (from 96 x 96)

  class  id  objects  photos
  dog     7        1       1
  cat     9        2       2
`)
  })

  it('counts every problem, and names the first of each kind with file and id', async () => {
    const box = { image_id: 1, category_id: 7, bbox: [1, 1, 5, 5] }
    write('bad.json', {
      images: [
        ...good.images,
        { id: 1, file_name: 'again.png', width: 40, height: 20 },
        { id: 3, file_name: 'c.png', width: 40, height: 20 },
        { id: 4, file_name: 'none.png', width: -1, height: 20 },
      ],
      annotations: [
        { ...box, id: 1 },
        { ...box, id: 1, bbox: [2, 2, 5, 5] },
        { ...box, id: 2, bbox: [100, 100, 5, 5] },
        { ...box, id: 3, bbox: [30, 10, 50, 50] },
        { ...box, id: 4, bbox: [1, 1, -5, 5] },
        { ...box, id: 5, bbox: [1, 1, 0, 5] },
        { ...box, id: 6, category_id: 99 },
        { ...box, id: 7, image_id: 99 },
        { ...box, id: 8, bbox: [1, null, 5, 5] },
      ],
      categories: good.categories,
    })
    const { code, stderr, stdout } = await dataset('bad.json')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}objects +3, of them/m)
    for (const line of [
      '  2 x duplicate-id (dropped or repaired)',
      '    bad.json, image 1: an image of this id came before; this one is dropped.',
      '    bad.json, annotation 1: another annotation has this id; it becomes 8.',
      '  1 x bad-size (repaired)',
      '  1 x box-outside (dropped)',
      '  1 x box-beyond (kept)',
      '  2 x bad-box (dropped)',
      '    bad.json, annotation 4: its box is [1, 1, -5, 5]; it is dropped.',
      '  1 x empty-box (dropped)',
      '  1 x unknown-category (dropped)',
      '    bad.json, annotation 7: there is no image 99; it is dropped.',
      '  3 x no-annotations (kept)',
      '    none.png, image 4: the file is not there.',
      '    c.png, image 3: the file is 30 x 20, the annotations say 40 x 20.',
    ]) {
      expect(stderr).toContain(`${line}\n`)
    }
    const { problems, problemCounts } = JSON.parse((await dataset('bad.json', '--json')).stdout)
    expect(problems).toHaveLength(15)
    expect(problemCounts['bad-box']).toBe(2)
  })

  it('converts to VOC and YOLO and back without losing anything they can hold', async () => {
    const voc = await dataset('good.json', '--to', 'voc', '--out', 'voc', '--copy-photos')
    expect([voc.code, voc.stderr]).toEqual([0, expect.stringContaining('in voc; 2 of 2 photos copied\n')])
    expect(readdirSync(join(folder, 'voc')).sort()).toEqual(['Annotations', 'ImageSets', 'JPEGImages'])
    expect((await dataset('voc', '--to', 'coco', '--out', 'from-voc.json', '--images', 'images')).code).toBe(0)
    expect(summary('from-voc.json')).toEqual(summary('good.json'))

    const yolo = await dataset('good.json', '--to', 'yolo', '--out', 'yolo')
    expect(yolo.stderr).toMatch(
      /1 x not-held \(dropped\)[\s\S]*the photos are still in images and belong in .*images.train\n$/,
    )
    expect((await dataset('yolo')).stderr).toContain('Expected images in the folders that data.yaml names')
    rmSync(join(folder, 'yolo'), { recursive: true })
    await dataset('good.json', '--to', 'yolo', '--out', 'yolo', '--copy-photos')
    const back = await dataset('yolo', '--to', 'coco', '--out', 'from-yolo.json')
    expect([back.code, back.stderr]).toEqual([0, expect.stringContaining('Written: from-yolo.json')])
    expect(summary('from-yolo.json')).toEqual(summary('good.json').filter(({ difficult }) => difficult === 0))
  })

  it('writes its files when nobody reads what it prints', async () => {
    const args = ['dataset', 'good.json', '--to', 'coco', '--out', 'unheard.json']
    expect((await runCli(args, { cwd: folder, deaf: true })).code).toBe(0)
    expect(summary('unheard.json')).toEqual(summary('good.json'))
  })

  it('refuses to write over something or out of the folder', async () => {
    expect((await dataset('good.json', '--to', 'voc')).code).toBe(2)
    expect((await dataset('good.json', '--to', 'coco', '--out', 'good.json')).code).toBe(2)
    mkdirSync(join(folder, 'alone'))
    write('alone/instances.json', good)
    const opened = await dataset('alone', '--to', 'coco', '--out', 'images/../alone/instances.json')
    expect([opened.code, opened.stderr]).toEqual([2, expect.stringContaining('an input, which would be overwritten')])
    const filled = await dataset('good.json', '--to', 'voc', '--out', 'images')
    expect([filled.code, filled.stderr]).toEqual([2, expect.stringContaining('Expected a new or empty folder')])
    const image = { id: 1, file_name: '../../../out.png', width: 40, height: 20 }
    write('escape.json', { ...good, images: [image], annotations: [] })
    const escaped = await dataset('escape.json', '--to', 'yolo', '--out', 'deep/yolo')
    expect([escaped.code, escaped.stderr]).toEqual([1, expect.stringContaining('Expected a name within its folder')])
    expect(existsSync(join(folder, 'deep/labels'))).toBe(false)
    write('broken.json', '{"images": [')
    expect((await dataset('broken.json')).code).toBe(1)
  })
})

/** Photos by name, objects by class and box. */
function summary(name: string): { photo: string; label: string; box: number[]; difficult: number }[] {
  const { images, annotations, categories }: typeof good = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  return annotations.map(({ image_id, category_id, bbox, difficult = 0 }) => ({
    photo: images.find(({ id }) => id === image_id)?.file_name.replace(/^.*\//, '') ?? '',
    label: categories.find(({ id }) => id === category_id)?.name ?? '',
    box: bbox.map((value) => Math.round(value * 1e6) / 1e6),
    difficult,
  }))
}
