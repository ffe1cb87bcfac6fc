import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataUrlBytes } from '../../src/images/data-url.ts'
import { decodeImage, type ImageInput } from '../../src/images/decode.node.ts'
import { decodeImage as decodeInPage } from '../../src/images/decode.web.ts'
import { expectFlag, failure } from './expect-picture.ts'
import { fixture } from './fixtures.ts'

describe('formats', () => {
  test.each([
    ['rgb.jpg', 8],
    ['profile.jpg', 8],
    ['palette.png', 0],
    ['animated.gif', 0],
    ['animated.webp', 0],
  ])('%s', async (name, tolerance) => expectFlag(await decodeImage(fixture(name)), tolerance))

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i', async (orientation) => {
    expectFlag(await decodeImage(fixture(`exif-${orientation}.jpg`)), 8)
  })

  test('CMYK without a profile', async () => {
    const { data } = await decodeImage(fixture('cmyk.jpg'))
    const [red, green, blue] = data.subarray(3 * (3 * 24 + 3))
    expect(red).toBeGreaterThan(200)
    expect(Math.max(green ?? 255, blue ?? 255)).toBeLessThan(80)
  })

  test('CMYK with a profile', async () => {
    const cmyk = await sharp(fixture('rgb.jpg')).toColourspace('cmyk').withIccProfile('cmyk').jpeg().toBuffer()
    const image = await decodeImage(cmyk)
    expect([image.width, image.height, image.data.length]).toEqual([24, 16, 24 * 16 * 3])
    expect(image.data[3 * (3 * 24 + 3)]).toBeGreaterThan(200)
  })

  test('grey, and grey with alpha over white', async () => {
    const levels: [number[], number[], number[]] = [
      [76, 76, 76],
      [150, 150, 150],
      [29, 29, 29],
    ]
    expectFlag(await decodeImage(fixture('grey.png')), 1, levels)
    expectFlag(await decodeImage(fixture('grey-alpha.png')), 1, [
      [76, 76, 76],
      [255, 255, 255],
      [142, 142, 142],
    ])
  })

  test('alpha over white', async () => {
    expectFlag(await decodeImage(fixture('rgba.png')), 1, [
      [255, 0, 0],
      [255, 255, 255],
      [127, 127, 255],
    ])
  })

  test('16 bit grey and RGB', async () => {
    const grey = await decodeImage(fixture('grey16.png'))
    for (const i of [0, 100, 200, 383]) expect(grey.data[i * 3 + 1]).toBe((i * 170) >> 8)
    const deep = await sharp(fixture('palette.png')).toColourspace('rgb16').png().toBuffer()
    expect((await sharp(deep).metadata()).depth).toBe('ushort')
    expectFlag(await decodeImage(deep), 0)
  })

  test('SVG', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"><rect width="4" height="2" fill="red"/></svg>'
    const image = await decodeImage(Buffer.from(svg))
    expect([image.width, image.height, ...image.data.subarray(0, 3)]).toEqual([4, 2, 255, 0, 0])
  })

  test('1x1', async () => {
    const pixel = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#102030' } })
      .png()
      .toBuffer()
    expect(await decodeImage(pixel)).toEqual({ width: 1, height: 1, data: Buffer.from([16, 32, 48]) })
  })
})

describe('inputs', () => {
  const path = fixture('palette.png')

  test('every form gives the same picture', async () => {
    const bytes = await readFile(path)
    const base64 = bytes.toString('base64')
    const inputs: ImageInput[] = [
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      bytes,
      new Uint8Array(bytes),
      new Uint8Array(bytes).buffer,
      new Blob([new Uint8Array(bytes)]),
      createReadStream(path, { highWaterMark: 10 }),
      Readable.toWeb(createReadStream(path)) as AsyncIterable<Uint8Array>,
      (async function* () {
        yield bytes.subarray(0, 9)
        yield bytes.subarray(9)
      })(),
      `data:image/png;base64,${base64}`,
      `data:;base64,${encodeURIComponent(base64)}`,
      new URL(`data:image/png;base64,${base64}`),
      sharp(path),
    ]
    for (const input of inputs) expectFlag(await decodeImage(input), 0)
  })

  test('a sharp pipeline is used as it stands, and can be used again', async () => {
    const pipeline = sharp(path).resize(6, 4)
    expect(await decodeImage(pipeline)).toMatchObject({ width: 6, height: 4 })
    expect((await pipeline.png().toBuffer()).length).toBeGreaterThan(0)
  })

  test('data: URLs of bytes that are no text, whatever the case of their scheme', async () => {
    const bytes = await readFile(path)
    const escaped = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
    expectFlag(await decodeImage(`data:image/png,${escaped}`), 0)
    expectFlag(await decodeImage(`DATA:image/png;BASE64,${bytes.toString('base64')}`), 0)
    expect(dataUrlBytes('data:,é%C3%A9')).toEqual(new TextEncoder().encode('éé'))
  })

  test('percent-encoded data: URL', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"/>'
    const image = await decodeImage(`data:image/svg+xml,${encodeURIComponent(svg)}`)
    expect([image.width, image.height, image.data[0]]).toEqual([4, 2, 255])
  })

  test('raw grey, RGB, RGBA', async () => {
    const grey = await decodeImage({ width: 2, height: 1, data: Uint8Array.of(0, 9), channels: 1 })
    expect([...grey.data]).toEqual([0, 0, 0, 9, 9, 9])
    const rgb = { width: 1, height: 2, data: new Uint8ClampedArray([1, 2, 3, 4, 5, 6]) }
    expect((await decodeImage(rgb)).data).toBe(rgb.data)
    const rgba = await decodeImage({
      width: 3,
      height: 1,
      data: Uint8Array.of(9, 9, 9, 255, 0, 0, 0, 0, 100, 0, 200, 51),
    })
    expect([...rgba.data]).toEqual([9, 9, 9, 255, 255, 255, 224, 204, 244])
  })
})

describe('bad input', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vertebra-decode-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(folder, name)
    await writeFile(path, content)
    return path
  }

  test('missing, folder, empty, text', async () => {
    expect(await failure(join(folder, 'no.jpg'), 'IMAGE_NOT_FOUND')).toMatch(/^Expected an existing file .*no\.jpg"\.$/)
    expect(await failure(`${folder}/no/way.jpg`, 'IMAGE_NOT_FOUND')).toContain('way.jpg')
    expect(await failure(folder, 'IMAGE_UNREADABLE')).toMatch(/^Expected a file, not a folder, for the picture/)
    expect(await failure(await file('empty.jpg', ''), 'IMAGE_UNREADABLE')).toMatch(/empty\.jpg" but it is empty/)
    expect(await failure(await file('text.jpg', 'Dear reader,\n'), 'IMAGE_UNREADABLE')).toMatch(
      /text\.jpg" but received text that starts with "Dear reader,/,
    )
    expect(await failure('', 'INVALID_ARGUMENT')).toContain('a file path')
    expect(await failure('a\0b', 'INVALID_ARGUMENT')).toContain('a file path')
    expect(await failure(new Uint8Array(0), 'IMAGE_UNREADABLE')).toContain('empty')
    expect(await failure(new Uint8Array([1, 2, 3, 200]), 'IMAGE_UNREADABLE')).toContain('bytes of no such format')
  })

  test.each(['truncated.jpg', 'truncated.png'])('%s', async (name) => {
    expect(await failure(fixture(name), 'IMAGE_UNREADABLE')).toContain(name)
  })

  test('truncated WebP and GIF', async () => {
    for (const name of ['animated.webp', 'animated.gif']) {
      await failure((await readFile(fixture(name))).subarray(0, 60), 'IMAGE_UNREADABLE')
    }
  })

  test('a PNG of 30,000 x 30,000 pixels is refused by its header, at once', async () => {
    const bomb = png(30_000, 30_000)
    const path = await file('bomb.png', bomb)
    expect(await failure(path, 'IMAGE_TOO_LARGE')).toMatch(
      /at most 100 megapixels for ".*bomb\.png" but received 30000x30000 \(900 megapixels\); make it smaller, or decode it yourself/,
    )
    await failure({ width: 30_000, height: 30_000, data: new Uint8Array(3) }, 'IMAGE_TOO_LARGE')
  })

  test('maxPixels counts the pixels of the picture', async () => {
    expectFlag(await decodeImage(fixture('palette.png'), { maxPixels: 384 }), 0)
    expectFlag(await decodeImage(fixture('animated.gif'), { maxPixels: 384 }), 0)
    expect(await failure(fixture('palette.png'), 'IMAGE_TOO_LARGE', { maxPixels: 383 })).toContain('383 pixels')
    expect(await failure(fixture('palette.png'), 'INVALID_ARGUMENT', { maxPixels: Number.NaN })).toContain('maxPixels')
    // Of a pipeline, those that it gives.
    const pipeline = sharp(fixture('palette.png'))
    expect(await decodeImage(pipeline.clone().resize(6, 4), { maxPixels: 24 })).toMatchObject({ width: 6, height: 4 })
    await failure(pipeline.clone().resize(60, 40), 'IMAGE_TOO_LARGE', { maxPixels: 384 })
    const raw = { width: 2, height: 1, data: new Uint8Array(6) }
    await expect(decodeInPage(raw, { maxPixels: 1 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    expect(await failure(fixture('palette.png'), 'INVALID_ARGUMENT', { timeoutMs: 0 })).toContain('timeoutMs')
  })

  test('an endless stream is cut off', async () => {
    const endless = (async function* () {
      const chunk = new Uint8Array(1 << 22)
      for (;;) yield chunk
    })()
    expect(await failure(endless, 'IMAGE_TOO_LARGE', { maxPixels: 1000 })).toContain('at most 64 MiB')
  })

  test('streams that fail or carry text', async () => {
    const broken = new Readable({ read() {} })
    broken.destroy(new Error('cable cut'))
    expect(await failure(broken, 'IMAGE_UNREADABLE')).toContain('cable cut')
    expect(await failure(Readable.from(['text']), 'INVALID_ARGUMENT')).toContain('stream without an encoding')
  })

  test('data: URLs', async () => {
    expect(await failure('data:image/png;base64', 'INVALID_ARGUMENT')).toContain('data:image/...;base64')
    expect(await failure('data:image/png;base64,@@@', 'INVALID_ARGUMENT')).toContain('valid base64')
    expect(await failure('data:image/png,%zz', 'INVALID_ARGUMENT')).toContain('percent-encoding')
    expect(await failure('data:image/png;base64,', 'IMAGE_UNREADABLE')).toContain('data: URL')
  })

  test('raw data of a wrong length or size', async () => {
    const data = new Uint8Array(12)
    expect(await failure({ width: 2, height: 3, data }, 'INVALID_ARGUMENT')).toBe(
      'Expected 6, 18, 24 bytes (grey, RGB, RGBA) for data of the raw 2x3 picture but received a Uint8Array of 12 bytes.',
    )
    expect(await failure({ width: 2, height: 2, data, channels: 4 }, 'INVALID_ARGUMENT')).toContain('Expected 16 bytes')
    expect(await failure({ width: 0, height: 2, data }, 'INVALID_ARGUMENT')).toContain('width of the raw picture')
    const floats = { width: 2, height: 2, data: new Float32Array(12) }
    expect(await failure(floats, 'INVALID_ARGUMENT')).toContain('Uint8Array or Uint8ClampedArray')
  })

  test('things that are no picture', async () => {
    for (const input of [null, undefined, 5, {}, [], () => {}]) {
      expect(await failure(input, 'INVALID_ARGUMENT')).toContain('a path, URL, Buffer')
    }
    expect(await failure(new URL('ftp://example.org/a.jpg'), 'INVALID_ARGUMENT')).toContain('ftp://example.org/a.jpg')
    expect(await failure('http://', 'INVALID_ARGUMENT')).toContain('valid URL')
    expect(
      await failure('file://elsewhere/a.jpg', process.platform === 'win32' ? 'IMAGE_NOT_FOUND' : 'INVALID_ARGUMENT'),
    )
  })
})

/** A PNG that consists of little more than its header. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data])
    const out = Buffer.alloc(body.length + 8)
    out.writeUInt32BE(data.length)
    body.copy(out, 4)
    out.writeUInt32BE(crc(body), body.length + 4)
    return out
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(20)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function crc(bytes: Buffer): number {
  let value = -1
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
  }
  return (value ^ -1) >>> 0
}
