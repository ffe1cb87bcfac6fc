import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type * as Draw from '../../src/draw/index.web.ts'
import { LIBRARY, launch, missing, PAGE } from './chromium.ts'
import { type Site, serve } from './serve.ts'

/** A busy machine may take its time: what is waited for comes, or never does. */
const SOON = { timeout: 30_000 }

/** What the page of these tests keeps between calls. */
interface Bench {
  draw: typeof Draw
  media: HTMLCanvasElement
  overlay: Draw.Overlay
}

declare global {
  var bench: Bench
}

/** Left, top, right and bottom of what is drawn, in CSS pixels of the overlay; null when nothing is. */
type Extent = [number, number, number, number] | null

describe.skipIf(missing)('an overlay in a page', { timeout: 120_000 }, () => {
  let browser: Browser
  let site: Site
  let page: Page
  beforeAll(async () => {
    browser = await launch()
    const script =
      '<script type="module">import * as draw from "/vertebra/draw.js"; globalThis.bench = { draw }</script>'
    site = await serve({ ...LIBRARY, '/page.html': PAGE.replace('</html>', `${script}</html>`) })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  /** A 400 x 200 picture in an element of 200 x 200 CSS pixels, at 30, 10 of its container, under a clock of the test's own. */
  async function open(options: Draw.OverlayOptions, style = '', deviceScaleFactor = 1): Promise<void> {
    await page?.close()
    page = await browser.newPage({ deviceScaleFactor })
    await page.clock.install({ time: 0 })
    await page.goto(`${site.origin}/page.html`)
    await page.clock.pauseAt(3_600_000)
    await page.evaluate(
      ([options, style]) => {
        document.body.innerHTML = `<div style="padding: 10px 30px"><canvas width="400" height="200" style="width: 200px; height: 200px; display: block; ${style}"></canvas></div>`
        const media = document.querySelector('canvas') as HTMLCanvasElement
        bench.media = media
        bench.overlay = bench.draw.createOverlay(media, media.parentElement as HTMLElement, options)
      },
      [options, style] as const,
    )
  }

  function update(
    detections: { box: [number, number, number, number]; label?: string; trackId?: number }[],
  ): Promise<void> {
    return page.evaluate((detections) => {
      const full = detections.map((detection) => ({ label: 'dog', score: 0.9, classIndex: 0, ...detection }))
      bench.overlay.update({ width: 400, height: 200, detections: full })
    }, detections)
  }

  /** After `ms` of the page's clock, and a turn of the real one for observers. */
  async function extent(ms = 50): Promise<Extent> {
    await page.clock.runFor(ms)
    return page.evaluate(() => {
      const { canvas } = bench.overlay
      const { width, height } = canvas
      const pixels = canvas.getContext('2d')?.getImageData(0, 0, width, height).data ?? []
      let [left, top, right, bottom] = [width, height, -1, -1]
      for (let i = 3; i < pixels.length; i += 4) {
        if (pixels[i] === 0) continue
        const [x, y] = [((i - 3) / 4) % width, Math.floor((i - 3) / 4 / width)]
        left = Math.min(left, x)
        right = Math.max(right, x + 1)
        top = Math.min(top, y)
        bottom = Math.max(bottom, y + 1)
      }
      const ratio = width / canvas.clientWidth
      return right < 0 ? null : [left / ratio, top / ratio, right / ratio, bottom / ratio]
    })
  }

  function expectNear(found: Extent, wanted: readonly number[]): void {
    // The dark line under a frame reaches half a pixel over it, and smoothing one more.
    for (const [i, value] of wanted.entries())
      expect(Math.abs((found?.[i] ?? -99) - value), `${found}`).toBeLessThanOrEqual(2)
  }

  const BOX: [number, number, number, number] = [40, 20, 100, 100]

  it.each([
    ['fill', {}, '', [20, 20, 70, 120]],
    ['contain', {}, 'object-fit: contain', [20, 60, 70, 110]],
    ['contain at the bottom', {}, 'object-fit: contain; object-position: 50% 100%', [20, 110, 70, 160]],
    // The left 100 of 400 pixels cannot be seen.
    ['cover', {}, 'object-fit: cover', [0, 20, 40, 120]],
    ['contain, mirrored', { mirrored: true }, 'object-fit: contain', [130, 60, 180, 110]],
    [
      'cover from the left, mirrored',
      { mirrored: true },
      'object-fit: cover; object-position: 0 0',
      [60, 20, 160, 120],
    ],
  ] as const)('lies over the picture: %s', async (_name, options, style, wanted) => {
    await open({ ...options, labels: false, lineWidth: 1 }, style)
    await update([{ box: BOX }])
    expectNear(await extent(), wanted)
    const place = await page.evaluate(() => {
      const [a, b] = [bench.media.getBoundingClientRect(), bench.overlay.canvas.getBoundingClientRect()]
      return [b.x - a.x, b.y - a.y, b.width - a.width, b.height - a.height]
    })
    expect(place).toEqual([0, 0, 0, 0])
  })

  it('has the pixels of the screen', async () => {
    await open({ labels: false, lineWidth: 1 }, 'object-fit: contain', 2)
    await update([{ box: BOX }])
    expectNear(await extent(), [20, 60, 70, 110])
    expect(await page.evaluate(() => [bench.overlay.canvas.width, bench.overlay.canvas.height])).toEqual([400, 400])
  })

  it('follows the size of the picture', async () => {
    await open({ labels: false, lineWidth: 1 })
    await update([{ box: BOX }])
    await extent()
    await page.evaluate(() => {
      bench.media.style.width = '400px'
    })
    // The observer is the browser's own and keeps its own time.
    await page.waitForFunction(() => bench.media.clientWidth === 400)
    await expect.poll(async () => Math.round((await extent())?.[2] ?? 0), SOON).toBeGreaterThan(138)
    expectNear(await extent(), [40, 20, 140, 120])
  })

  it('draws while boxes glide, without a new result, and then rests', async () => {
    await open({ labels: false, lineWidth: 1 })
    await update([{ box: [0, 0, 100, 100], trackId: 1 }])
    await extent(200)
    await update([{ box: [200, 0, 100, 100], trackId: 1 }])
    const lefts: number[] = []
    for (let step = 0; step < 5; step++) lefts.push((await extent(32))?.[0] ?? -1)
    for (const [i, left] of lefts.entries()) {
      if (i > 0) expect(left, `${lefts}`).toBeGreaterThan(lefts[i - 1] ?? 0)
    }
    expectNear(await extent(400), [100, 0, 150, 100])
    await page.evaluate(() => {
      const original = requestAnimationFrame
      let count = 0
      globalThis.requestAnimationFrame = (callback) => {
        count += 1
        return original(callback)
      }
      Object.assign(bench, { requests: () => count })
    })
    await page.clock.runFor(500)
    expect(await page.evaluate(() => Reflect.get(bench, 'requests')())).toBe(0)
  })

  it('says what is seen, in the end the newest, at most every three seconds', async () => {
    await open({})
    const said = (): Promise<string | null> => page.locator('[role=status][aria-live=polite]').textContent()
    const people = [{ box: BOX, label: 'person' }, { box: BOX, label: 'person' }, { box: BOX }]
    await update(people)
    await page.clock.runFor(10)
    expect(await said()).toBe('2 persons, 1 dog')
    await update([{ box: BOX }])
    await page.clock.runFor(1500)
    await update([])
    await page.clock.runFor(1400)
    expect(await said()).toBe('2 persons, 1 dog')
    await page.clock.runFor(200)
    expect(await said()).toBe('nothing found')
    expect(await page.locator('canvas').last().getAttribute('aria-hidden')).toBe('true')
  })

  it('lays heat over the whole picture, mirrored with it', async () => {
    await open({ mirrored: true }, 'object-fit: contain')
    await page.evaluate(() => {
      // Two cells: the left one is strong.
      const placement = {
        width: 400,
        height: 200,
        scaleX: 1,
        scaleY: 1,
        inputWidth: 400,
        inputHeight: 200,
        paddedWidth: 400,
        paddedHeight: 200,
      }
      bench.overlay.showHeat({ channels: 1, height: 1, width: 2, data: Float32Array.of(9, 1), placement })
    })
    expectNear(await extent(), [0, 50, 200, 150])
    const [left, right] = await page.evaluate(() => {
      const context = bench.overlay.canvas.getContext('2d')
      return [10, 190].map((x) => [...(context?.getImageData(x, 100, 1, 1).data ?? [])])
    })
    // The strong end of the scale is light, the weak one dark; opacity 0.65.
    expect(right?.[0]).toBeGreaterThan(200)
    expect(left?.[0]).toBeLessThan(80)
    expect(Math.abs((left?.[3] ?? 0) - 0.65 * 255)).toBeLessThan(3)
  })

  it('leaves out what the network does not see of the picture', async () => {
    await open({}, 'object-fit: contain')
    await page.evaluate(() => {
      // The middle square of the 400 x 200 picture.
      const cut = { width: 400, height: 200, left: 100, top: 0 }
      const placement = {
        width: 400,
        height: 200,
        scaleX: 1,
        scaleY: 1,
        inputWidth: 200,
        inputHeight: 200,
        paddedWidth: 200,
        paddedHeight: 200,
        cut,
      }
      bench.overlay.showHeat({ channels: 1, height: 2, width: 2, data: Float32Array.of(9, 1, 1, 9), placement })
    })
    expectNear(await extent(), [50, 50, 150, 150])
  })

  it('stops for good', async () => {
    await open({})
    await update([{ box: BOX }])
    await extent()
    const left = await page.evaluate(() => {
      bench.overlay.stop()
      bench.overlay.update({ width: 400, height: 200, detections: [] })
      return bench.media.parentElement?.children.length
    })
    expect(left).toBe(1)
  })

  it('draws on a canvas that the page laid over the picture itself', async () => {
    await open({})
    const found = await page.evaluate(async () => {
      bench.overlay.stop()
      const canvas = document.createElement('canvas')
      canvas.style.cssText = 'position: absolute; left: 38px; top: 18px; width: 200px; height: 200px'
      document.body.append(canvas)
      bench.overlay = bench.draw.createOverlay(bench.media, canvas, { announce: false, labels: false, lineWidth: 1 })
      return [bench.overlay.canvas === canvas, canvas.style.left]
    })
    expect(found).toEqual([true, '38px'])
    await update([{ box: BOX }])
    expectNear(await extent(), [20, 20, 70, 120])
    expect(await page.locator('[role=status]').count()).toBe(0)
    await page.evaluate(() => bench.overlay.stop())
    expect(await extent()).toBeNull()
    expect(await page.locator('canvas').count()).toBe(2)
  })
})
