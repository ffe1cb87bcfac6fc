import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '../../src/images/decode.node.ts'
import { temporaryFolder } from '../tiny-model.ts'
import { LIBRARY, launch, missing, PAGE } from './chromium.ts'
import { type Site, serve } from './serve.ts'

const WIDTH = 61
const HEIGHT = 47

/** Noise with every level in it, so that a wrong gamma, a profile or a rounding shows. */
function noise(channels: 3 | 4, alpha: (pixel: number) => number = () => 255): Buffer {
  const data = Buffer.alloc(WIDTH * HEIGHT * channels)
  for (let i = 0; i < data.length; i++) {
    data[i] = channels === 4 && i % 4 === 3 ? alpha(i >> 2) : (i * 2654435761) >>> 24
  }
  return data
}

describe.skipIf(missing)('pictures in a page', { timeout: 60_000 }, () => {
  let browser: Browser
  let site: Site
  let other: Site
  let page: Page
  let folder: string
  beforeAll(async () => {
    folder = temporaryFolder()
    const raw = (data: Buffer, channels: 3 | 4) => sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } })
    await raw(noise(3), 3).png().toFile(join(folder, 'opaque.png'))
    await raw(noise(3), 3).greyscale().png().toFile(join(folder, 'grey.png'))
    await raw(noise(3), 3).png({ palette: true }).toFile(join(folder, 'palette.png'))
    await raw(
      noise(4, (pixel) => (pixel % 2) * 255),
      4,
    )
      .png()
      .toFile(join(folder, 'holes.png'))
    await raw(
      noise(4, (pixel) => pixel % 256),
      4,
    )
      .png()
      .toFile(join(folder, 'alpha.png'))
    await sharp('examples/photos/cat.jpg').resize(320).jpeg({ quality: 92 }).toFile(join(folder, 'photo.jpg'))
    await sharp('examples/photos/cat.jpg')
      .resize(320)
      .withExif({ IFD0: { Orientation: '6' } })
      .jpeg()
      .toFile(join(folder, 'turned.jpg'))
    await writeFile(join(folder, 'empty.png'), '')
    await writeFile(join(folder, 'torn.png'), (await readFile(join(folder, 'opaque.png'))).subarray(0, 40))
    browser = await launch()
    site = await serve({ ...LIBRARY, '/p/': folder, '/page.html': PAGE })
    other = await serve({ '/p/': folder }, { headers: { 'Cross-Origin-Resource-Policy': 'cross-origin' } })
    page = await browser.newPage()
    await page.goto(`${site.origin}/page.html`)
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
    await other?.[Symbol.asyncDispose]()
  })

  /** The largest difference of any level between the page's pixels and Node's. */
  async function difference(file: string): Promise<number> {
    const here = await decodeImage(join(folder, file))
    const there = await page.evaluate(async (url) => {
      const { width, height, data } = await vertebra.decodeImage(url)
      return { width, height, data: Array.from(data) }
    }, `/p/${file}`)
    expect([there.width, there.height]).toEqual([here.width, here.height])
    return there.data.reduce((most, level, i) => Math.max(most, Math.abs(level - (here.data[i] ?? 0))), 0)
  }

  for (const file of ['opaque.png', 'grey.png', 'palette.png', 'holes.png']) {
    it(`${file} has the pixels that Node gives`, async () => {
      expect(await difference(file)).toBe(0)
    })
  }

  it('a half transparent PNG differs by 1 level at most: the browser blends it', async () => {
    expect(await difference('alpha.png')).toBeLessThanOrEqual(1)
  })

  for (const file of ['photo.jpg', 'turned.jpg']) {
    it(`${file} differs by 2 levels at most, and is upright`, async () => {
      expect(await difference(file)).toBeLessThanOrEqual(2)
    })
  }

  it('takes every form of a picture, and all are the same', async () => {
    const sums = await page.evaluate(async () => {
      const url = '/p/opaque.png'
      const blob = await (await fetch(url)).blob()
      const image = new Image()
      image.src = url
      const bitmap = await createImageBitmap(blob)
      const canvas = document.createElement('canvas')
      canvas.width = bitmap.width
      canvas.height = bitmap.height
      const context = canvas.getContext('2d')
      context?.drawImage(bitmap, 0, 0)
      const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height)
      offscreen.getContext('2d')?.drawImage(bitmap, 0, 0)
      const pixels = context?.getImageData(0, 0, canvas.width, canvas.height)
      if (!pixels) throw new Error('no pixels')
      const base64 = await new Promise<string>((resolve) => {
        const reader = new FileReader()
        reader.onload = () => resolve(String(reader.result))
        reader.readAsDataURL(blob)
      })
      const frame = new VideoFrame(offscreen, { timestamp: 0 })
      const forms = {
        url,
        absolute: new URL(url, location.href),
        base64,
        objectUrl: URL.createObjectURL(blob),
        blob,
        file: new File([blob], 'x.png'),
        image,
        bitmap,
        canvas,
        offscreen,
        pixels,
        frame,
      }
      const sums: Record<string, number> = {}
      for (const [name, form] of Object.entries(forms)) {
        const { data } = await vertebra.decodeImage(form)
        let sum = 7
        for (const [i, level] of data.entries()) sum = (sum * 31 + level * (i + 1)) % 1000003
        sums[name] = sum
      }
      frame.close()
      return sums
    })
    expect(Object.keys(sums)).toHaveLength(12)
    expect(new Set(Object.values(sums)).size).toBe(1)
  })

  it('says what is wrong with what is no picture', async () => {
    const errors = await page.evaluate(async (elsewhere) => {
      const tainted = document.createElement('canvas')
      const image = new Image()
      image.src = `${elsewhere}/p/opaque.png`
      await image.decode()
      tainted.getContext('2d')?.drawImage(image, 0, 0)
      const controller = new AbortController()
      controller.abort()
      const number: unknown = 7
      const tries = {
        empty: () => vertebra.decodeImage('/p/empty.png'),
        torn: () => vertebra.decodeImage('/p/torn.png'),
        nothing: () => vertebra.decodeImage('/p/nothing.png'),
        elsewhere: () => vertebra.decodeImage(`${elsewhere}/p/opaque.png`),
        tainted: () => vertebra.decodeImage(tainted),
        video: () => vertebra.decodeImage(document.createElement('video')),
        image: () => vertebra.decodeImage(new Image()),
        large: () => vertebra.decodeImage('/p/opaque.png', { maxPixels: 100 }),
        number: () => vertebra.decodeImage(number as string),
        aborted: () => vertebra.decodeImage('/p/opaque.png', { signal: controller.signal }),
      }
      const errors: Record<string, string> = {}
      for (const [name, work] of Object.entries(tries)) errors[name] = await errorOf(work)
      return errors
    }, other.origin)
    expect(errors.empty).toMatch(/^IMAGE_UNREADABLE: .*0 bytes/)
    expect(errors.torn).toMatch(/^IMAGE_UNREADABLE/)
    expect(errors.nothing).toMatch(/^IMAGE_NOT_FOUND: .*404/)
    expect(errors.elsewhere).toMatch(/^NETWORK: .*CORS/)
    expect(errors.tainted).toMatch(/^IMAGE_UNREADABLE: .*tainted canvas/)
    expect(errors.video).toMatch(/^IMAGE_UNREADABLE: .*before its first frame/)
    expect(errors.image).toMatch(/^IMAGE_UNREADABLE/)
    expect(errors.large).toMatch(/^IMAGE_TOO_LARGE: .*61x47/)
    expect(errors.number).toMatch(/^INVALID_ARGUMENT/)
    expect(errors.aborted).toMatch(/^ABORTED/)
  })
})
