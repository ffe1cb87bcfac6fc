import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { type Canvas2D, drawOnCanvas } from '../../src/draw/canvas.ts'
import { classColour } from '../../src/draw/colour.ts'
import { drawDetections, encodeImage, pictureFormat } from '../../src/draw/encode.node.ts'
import type { DrawableDetection } from '../../src/draw/layout.ts'
import { renderSvg } from '../../src/draw/svg.ts'
import { decodeImage } from '../../src/images/decode.node.ts'
import type { RgbImage } from '../../src/images/image.ts'

const detections: DrawableDetection[] = [
  { box: [20, 40, 120, 90], label: 'cat', score: 0.98, classIndex: 7 },
  { box: [150, 10, 140, 180], label: 'pottedplant', score: 0.61, classIndex: 15 },
]
const grey: RgbImage = { width: 320, height: 200, data: new Uint8Array(320 * 200 * 3).fill(128) }

function pixel(image: RgbImage, x: number, y: number): number[] {
  return [...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3)]
}

describe('SVG', () => {
  test('is a whole document of lines, without any text that would need a font', async () => {
    const svg = renderSvg(grey, detections)
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="320" height="200" viewBox="0 0 320 200">/,
    )
    expect(svg).not.toContain('<text')
    expect(svg.match(/<title>/g)?.length).toBe(2)
    expect(svg).toContain('<title>cat 0.98</title>')
    expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject({ width: 320, height: 200 })
  })

  test('labels cannot become markup', async () => {
    const [first] = detections
    const label = `<script>alert("&'")</script>\u0000\u0008\uD800`
    const svg = renderSvg(grey, [{ ...(first as DrawableDetection), label: `${label}猫` }], {
      picture: '"><script>',
    })
    expect(svg).not.toContain('<script')
    expect(svg).toContain('&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;')
    expect(svg).toContain('href="&quot;&gt;&lt;script&gt;"')
    await sharp(Buffer.from(svg)).png().toBuffer()
  })
})

describe('files', () => {
  test.each(['png', 'jpeg', 'webp', 'svg'] as const)('%s', async (format) => {
    const bytes = await drawDetections(grey, detections, { format, lineWidth: 6 })
    expect(await sharp(bytes).metadata()).toMatchObject({ format, width: 320, height: 200 })
    const drawn = await decodeImage(bytes)
    const colour = classColour(7)
    const frame = pixel(drawn, 80, 43)
    for (let c = 0; c < 3; c++) expect(Math.abs((frame[c] as number) - (colour[c] as number))).toBeLessThan(20)
    expect(pixel(drawn, 80, 85).every((level) => Math.abs(level - 128) <= 2)).toBe(true)
  })

  test('a photo file keeps its size', async () => {
    const path = fileURLToPath(new URL('../../examples/photos/cat.jpg', import.meta.url))
    const drawn = await decodeImage(await drawDetections(path, detections))
    expect([drawn.width, drawn.height]).toEqual([451, 300])
  })

  test('the ending of a file name says the format', () => {
    expect(['a.png', 'b.JPG', 'c.jpeg', 'd.webp', 'e/f.svg'].map(pictureFormat)).toEqual([
      'png',
      'jpeg',
      'jpeg',
      'webp',
      'svg',
    ])
    expect(() => pictureFormat('a.bmp')).toThrow('a name ending in .png, .jpg, .jpeg, .webp, .svg')
  })

  test('what cannot be written', async () => {
    const long = { width: 17_000, height: 1, data: new Uint8Array(51_000) }
    await expect(drawDetections(long, [], { format: 'webp' })).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
    const wrong: object[] = [{ quality: 0 }, { quality: 50.5 }, { quality: '50' }]
    for (const options of wrong) {
      await expect(drawDetections(grey, [], options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    await expect(encodeImage(grey, { format: 'svg' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(drawDetections('none.jpg', [])).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(drawDetections(grey, [], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

interface CanvasModule {
  createCanvas(width: number, height: number): { getContext(type: '2d'): Canvas2D; toBuffer(type: 'image/png'): Buffer }
}

/** node-canvas has a folder of its own, because it may have to be compiled: see scripts/test.mjs. */
const fromNodeCanvas = createRequire(new URL('../node-canvas/package.json', import.meta.url))

async function importCanvas(name: string): Promise<CanvasModule | undefined> {
  try {
    return name === 'canvas' ? (fromNodeCanvas(name) as CanvasModule) : await import(name)
  } catch {
    return undefined
  }
}

describe.each(['@napi-rs/canvas', 'canvas'])('on the canvas of %s', async (name) => {
  const canvases = await importCanvas(name)
  if (canvases === undefined) console.warn(`${name} is not installed: its drawing is not tested`)

  test.skipIf(canvases === undefined)('gives the picture that the SVG gives', async () => {
    const canvas = (canvases as CanvasModule).createCanvas(320, 200)
    const context = canvas.getContext('2d')
    context.fillStyle = '#808080'
    context.fillRect(0, 0, 320, 200)
    context.lineWidth = 3
    drawOnCanvas(context, detections)
    expect(context.lineWidth).toBe(3)
    const drawn = await decodeImage(canvas.toBuffer('image/png'))
    const expected = await decodeImage(await drawDetections(grey, detections))
    let sum = 0
    for (let i = 0; i < drawn.data.length; i++)
      sum += Math.abs((drawn.data[i] as number) - (expected.data[i] as number))
    // The renderers differ in antialiasing and the rounded corners only, by 0.13; another word in a label makes it 0.5.
    expect(sum / drawn.data.length).toBeLessThan(0.3)
  })

  test.skipIf(canvases === undefined)('scales with the transform and takes characters without a glyph', async () => {
    const canvas = (canvases as CanvasModule).createCanvas(160, 100)
    const context = canvas.getContext('2d') as Canvas2D & { scale(x: number, y: number): void }
    context.scale(0.5, 0.5)
    const [first] = detections
    drawOnCanvas(context, [{ ...(first as DrawableDetection), label: '猫' }], { width: 320, height: 200 })
    const drawn = await decodeImage(canvas.toBuffer('image/png'))
    expect(pixel(drawn, 40, 42)).toEqual([255, 255, 255])
    expect(pixel(drawn, 10, 42)).not.toEqual([255, 255, 255])
  })
})
