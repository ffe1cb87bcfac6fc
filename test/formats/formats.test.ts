import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { XYWH } from '../../src/boxes/boxes.ts'
import {
  cocoResults,
  type Detection,
  type ImageDetections,
  readCocoResults,
  writeCocoResults,
  writeCsv,
  writeJson,
  writeNpy,
  writeNpz,
  writeTable,
  writeVocResults,
  writeVocXml,
  writeYolo,
} from '../../src/formats/index.ts'

const dog: Detection = {
  box: [10.25, 20, 30.123456, 40.5],
  label: 'dog',
  classIndex: 11,
  categoryId: 18,
  score: 0.98765432,
}
const cat: Detection = { box: [0, 0, 100, 80], label: 'cat', classIndex: 7, categoryId: 17, score: 0.5 }
const photo: ImageDetections = { file: 'photos/000000000042.jpg', width: 100, height: 80, detections: [dog, cat] }
const empty: ImageDetections = { file: 'empty.png', width: 5, height: 5, detections: [] }

const number = fc.double({ min: 0, max: 5000, noNaN: true })
const anyImages = fc.array(
  fc.record({
    file: fc.string({ unit: 'binary', minLength: 1 }),
    width: fc.integer({ min: 1, max: 5000 }),
    height: fc.integer({ min: 1, max: 5000 }),
    detections: fc.array(
      fc.record({
        box: fc.tuple(number, number, number, number) as fc.Arbitrary<XYWH>,
        label: fc.string({ unit: 'binary', minLength: 1 }),
        classIndex: fc.nat(80),
        categoryId: fc.nat(90),
        score: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { maxLength: 4 },
    ),
  }),
  { maxLength: 4 },
)

describe('COCO results', () => {
  test('one entry per line, ids from the file name', () => {
    expect(writeCocoResults([photo, empty])).toBe(
      '[\n{"image_id":42,"category_id":18,"bbox":[10.25,20,30.123,40.5],"score":0.987654},\n' +
        '{"image_id":42,"category_id":17,"bbox":[0,0,100,80],"score":0.5}\n]\n',
    )
    expect(JSON.parse(writeCocoResults([]))).toEqual([])
  })

  test('image ids', () => {
    const id = (...files: string[]) =>
      cocoResults(files.map((file) => ({ ...photo, file, detections: [dog] }))).map((r) => r.image_id)
    expect(id('COCO_val2014_000000000136.jpg', 'c:\\p\\7.png', '2008_000042.jpg', '.jpg')).toEqual([
      136,
      7,
      '2008_000042',
      '.jpg',
    ])
    expect(id('a/1.jpg', 'b/1.jpg', 'c/2.jpg')).toEqual(['a/1.jpg', 'b/1.jpg', 'c/2.jpg'])
    expect(id('9999999999999999999.jpg')).toEqual(['9999999999999999999'])
    expect(cocoResults([photo], { imageId: (file) => file.length })[0]?.image_id).toBe(23)
  })

  test('reading gives back what was written', () => {
    fc.assert(
      fc.property(anyImages, (images) => {
        expect(readCocoResults(writeCocoResults(images))).toEqual(cocoResults(images))
      }),
    )
  })
})

describe('CSV', () => {
  test('header and lines', () => {
    expect(writeCsv([photo, empty])).toBe(
      'file,label,category_id,score,x,y,width,height\n' +
        'photos/000000000042.jpg,dog,18,0.987654,10.25,20,30.123,40.5\n' +
        'photos/000000000042.jpg,cat,17,0.5,0,0,100,80\n',
    )
  })

  test('any name comes back, whatever it holds', () => {
    fc.assert(
      fc.property(anyImages, (images) => {
        const rows = parseCsv(writeCsv(images)).slice(1)
        const expected = images.flatMap(({ file, detections }) => detections.map(({ label }) => [file, label]))
        expect(rows.map((row) => row.slice(0, 2))).toEqual(expected)
        expect(rows.every((row) => row.length === 8)).toBe(true)
      }),
    )
    expect(writeCsv([{ ...photo, file: 'a "b", c.jpg', detections: [cat] }])).toContain('\n"a ""b"", c.jpg",cat,')
  })
})

describe('JSON', () => {
  test('keeps all, with a line per detection', () => {
    const text = writeJson([photo, empty], { model: 'resnet101-voc', device: undefined })
    expect(JSON.parse(text)).toEqual({
      model: 'resnet101-voc',
      images: [{ ...photo, detections: [{ ...dog, box: [10.25, 20, 30.123, 40.5], score: 0.987654 }, cat] }, empty],
    })
    expect(text.split('\n').filter((line) => line.includes('"label"'))).toHaveLength(2)
    expect(JSON.parse(writeJson([]))).toEqual({ images: [] })
  })

  test('any names come back', () => {
    fc.assert(
      fc.property(anyImages, (images) => {
        const read: { images: ImageDetections[] } = JSON.parse(writeJson(images))
        expect(read.images.map(({ file, detections }) => [file, detections.length])).toEqual(
          images.map(({ file, detections }) => [file, detections.length]),
        )
      }),
    )
  })
})

describe('VOC', () => {
  test('annotation: whole pixels from 1, inclusive, inside the picture', () => {
    const sliver: Detection = { ...cat, box: [99.9, 79.99, 0.05, 0.005], label: '<a> & "b"' }
    const xml = writeVocXml({ ...photo, file: 'x/a&b\u0001.jpg', detections: [dog, cat, sliver] })
    expect(xml).toContain('<filename>a&amp;b\ufffd.jpg</filename>')
    expect(xml).toContain('<size><width>100</width><height>80</height><depth>3</depth></size>')
    expect(xml).toContain('<name>&lt;a&gt; &amp; &quot;b&quot;</name>')
    expect(xml.match(/<bndbox>.*<\/bndbox>/g)?.map((line) => line.match(/\d+/g)?.map(Number))).toEqual([
      [11, 21, 40, 61],
      [1, 1, 100, 80],
      [100, 80, 100, 80],
    ])
  })

  test('results files: one per label, real corners from 1, inclusive', () => {
    const files = writeVocResults([photo, { ...photo, file: 'my 100%.jpg', detections: [cat] }], ['cat', 'dog', 'cow'])
    expect(Object.fromEntries(files)).toEqual({
      'comp4_det_test_cat.txt': '000000000042 0.500000 1 1 100 80\nmy%20100%25 0.500000 1 1 100 80\n',
      'comp4_det_test_dog.txt': '000000000042 0.987654 11.25 21 40.373 60.5\n',
      'comp4_det_test_cow.txt': '',
    })
  })

  test('labels and ids stay apart', () => {
    const images = ['a/1.jpg', 'b/1.jpg'].map((file) => ({ ...photo, file, detections: [{ ...cat, label: '../x' }] }))
    const files = writeVocResults(images, [])
    expect([...files.keys()]).toEqual(['comp4_det_test_..%2Fx.txt'])
    expect([...files.values()][0]?.split('\n').map((line) => line.split(' ')[0])).toEqual(['a/1.jpg', 'b/1.jpg', ''])
  })

  test('any name leaves well-formed XML', () => {
    fc.assert(
      fc.property(anyImages, (images) => {
        for (const image of images) {
          const xml = writeVocXml(image)
          // What XML 1.0 forbids.
          expect(xml).not.toMatch(/(?![\t\n\r\x7f-\x9f])\p{Cc}|[\ufffe\uffff]/u)
          expect(xml.match(/<name>/g)?.length ?? 0).toBe(image.detections.length)
          expect(xml.replace(/&(?:amp|lt|gt|quot|#\d+);/g, '')).not.toContain('&')
        }
      }),
    )
  })
})

describe('YOLO', () => {
  test('centre and size as fractions', () => {
    expect(writeYolo({ ...photo, detections: [cat, { ...dog, box: [10, 20, 30, 40] }] })).toBe(
      '7 0.500000 0.500000 1.000000 1.000000 0.500000\n11 0.250000 0.500000 0.300000 0.500000 0.987654\n',
    )
  })

  test('the box comes back', () => {
    fc.assert(
      fc.property(anyImages, (images) => {
        for (const image of images) {
          const lines = writeYolo(image).split('\n').slice(0, -1)
          expect(lines).toHaveLength(image.detections.length)
          lines.forEach((line, i) => {
            const [, cx = 0, cy = 0, w = 0, h = 0] = line.split(' ').map(Number)
            const box = [cx - w / 2, cy - h / 2, w, h].map(
              (v, axis) => v * (axis % 2 === 0 ? image.width : image.height),
            )
            box.forEach((value, axis) => {
              expect(Math.abs(value - (image.detections[i]?.box[axis] ?? Number.NaN))).toBeLessThan(0.006)
            })
          })
        }
      }),
    )
  })
})

describe('table', () => {
  test('columns, and a line for a photo without objects', () => {
    expect(writeTable([photo, empty])).toMatchInlineSnapshot(`
      "photos/000000000042.jpg  100 x 80  2 objects
        label  score     x     y  width  height
        dog    0.988    10    20     30      41
        cat    0.500     0     0    100      80

      empty.png  5 x 5  nothing found
      "
    `)
  })

  test('names cannot steer the terminal', () => {
    const text = writeTable([{ ...photo, file: 'a\u001b[31m\u202e.jpg', detections: [{ ...cat, label: 'x\r\u009b' }] }])
    expect(text).toContain('a?[31m?.jpg')
    expect(text).toContain('x??')
  })
})

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  const row: string[] = []
  const cell = /("(?:[^"]|"")*"|[^",\n]*)([,\n])/gy
  for (let match = cell.exec(text); match; match = cell.exec(text)) {
    const [, value = '', end] = match
    row.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value)
    if (end === '\n') rows.push(row.splice(0))
    if (cell.lastIndex === text.length) break
  }
  if (cell.lastIndex !== text.length) throw new Error('not CSV')
  return rows
}

test('arrays are written in the forms of NumPy', () => {
  const array = { dims: [2, 1], data: Float32Array.of(1, 2) }
  const npy = new TextDecoder('latin1').decode(writeNpy(array))
  expect(npy).toMatch(/NUMPY.*'shape': \(2, 1\)/s)
  expect(new TextDecoder('latin1').decode(writeNpz({ c5: array }))).toContain(`c5.npy${npy}`)
})
