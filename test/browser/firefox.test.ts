import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, launch, type Page } from 'puppeteer-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '../../src/images/decode.node.ts'
import type { DetectionResult } from '../../src/index.web.ts'
import { loadDetector } from '../../src/load/node.ts'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'
import { LIBRARY, PAGE } from './chromium.ts'
import { type Site, serve } from './serve.ts'

// Another engine: `npm run test:firefox`. Playwright drives only a Firefox of its own making; Puppeteer drives Debian's.
const EXECUTABLE = process.env.FIREFOX ?? '/usr/bin/firefox-esr'
const isAsked = process.env.FIREFOX_SUITE !== undefined
if (!isAsked) console.warn('Skipped: the tests in Firefox (npm run test:firefox).')
if (isAsked && !existsSync(EXECUTABLE)) {
  throw new Error(`Expected a browser but there is no ${EXECUTABLE} (Debian: apt-get install firefox-esr).`)
}

const CAT = 'examples/photos/cat.jpg'
const ELEMENT = `<script type="module">
import { defineVertebraView } from '/vertebra/view.js'
defineVertebraView()
</script></html>`

describe.skipIf(!isAsked)('in Firefox', { timeout: 120_000 }, () => {
  let browser: Browser
  let site: Site
  let page: Page
  let model: string
  let pictures: string
  beforeAll(async () => {
    model = await tinyModelFolder()
    pictures = temporaryFolder()
    const noise = Uint8Array.from({ length: 61 * 47 * 3 }, (_, i) => (i * 2654435761) >>> 24)
    await sharp(noise, { raw: { width: 61, height: 47, channels: 3 } }).toFile(join(pictures, 'noise.png'))
    await sharp(CAT).resize(320).jpeg({ quality: 92 }).toFile(join(pictures, 'photo.jpg'))
    browser = await launch({
      browser: 'firefox',
      executablePath: EXECUTABLE,
      protocolTimeout: 120_000,
      extraPrefsFirefox: { 'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true },
    })
    const html = PAGE.replace('</html>', ELEMENT)
    site = await serve({ ...LIBRARY, '/models/tiny/': model, '/p/': pictures, '/page.html': html })
    page = await browser.newPage()
    await page.goto(`${site.origin}/page.html`)
    await page.waitForFunction('globalThis.vertebra')
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  it.each([true, false])('finds what Node finds (worker: %s)', async (worker) => {
    await using detector = await loadDetector(model, { device: 'cpu' })
    const expected = await detector.detect(CAT, { minScore: 0.05 })
    const result: DetectionResult = await page.evaluate(async (worker) => {
      const detector = await vertebra.loadDetector('tiny', { worker, device: 'wasm' })
      const result = await detector.detect('/photos/cat.jpg', { minScore: 0.05 })
      await detector.dispose()
      return result
    }, worker)
    expect(expected.detections.length).toBeGreaterThan(3)
    expect(result.detections.map(({ label }) => label)).toEqual(expected.detections.map(({ label }) => label))
    for (const [i, { score, box }] of result.detections.entries()) {
      const other = expected.detections[i]
      expect(Math.abs(score - (other?.score ?? 0))).toBeLessThan(0.005)
      for (const [k, value] of box.entries()) expect(Math.abs(value - (other?.box[k] ?? 0))).toBeLessThan(0.5)
    }
    expect(result.device.reason).toContain('threads')
  })

  it('takes by itself a device that works, and says why not the others', async () => {
    const { device, reason } = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny')
      const { device } = detector
      await detector.dispose()
      return device
    })
    if (device !== 'webgpu') expect(reason).toMatch(/^wasm was chosen: webgpu: /)
  })

  it.each([
    ['noise.png', 0],
    ['photo.jpg', 2],
  ])('%s has the pixels that Node gives, to %d levels', async (file, most) => {
    const here = await decodeImage(join(pictures, file))
    const there = await page.evaluate(async (url) => {
      const { width, height, data } = await vertebra.decodeImage(url)
      return { width, height, data: Array.from(data) }
    }, `/p/${file}`)
    expect([there.width, there.height]).toEqual([here.width, here.height])
    const difference = there.data.reduce((sum, level, i) => Math.max(sum, Math.abs(level - (here.data[i] ?? 0))), 0)
    expect(difference).toBeLessThanOrEqual(most)
  })

  it('follows a camera in a video element, and lets go of it', async () => {
    const seen = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm' })
      const media = await navigator.mediaDevices.getUserMedia({ video: true })
      const video = document.createElement('video')
      video.muted = true
      video.srcObject = media
      await video.play()
      const times: number[] = []
      let size: number[] = []
      for await (const { timestamp, width, height } of detector.stream(video, { track: true, minScore: 0.05 })) {
        times.push(timestamp)
        size = [width, height]
        if (times.length === 4) break
      }
      const own = [video.videoWidth, video.videoHeight]
      for (const track of media.getTracks()) track.stop()
      await detector.dispose()
      return { times, size, own }
    })
    expect(seen.size).toEqual(seen.own)
    expect([...seen.times].sort((a, b) => a - b)).toEqual(seen.times)
    expect(new Set(seen.times).size).toBe(4)
  })

  it('keeps the model, and works without the server the second time', async () => {
    const result = await page.evaluate(async () => {
      const first = await vertebra.loadDetector('tiny', { device: 'wasm' })
      await first.dispose()
      const fetched = performance.getEntriesByType('resource').length
      const again = await vertebra.loadDetector('tiny', { device: 'wasm' })
      await again.dispose()
      const names = performance
        .getEntriesByType('resource')
        .slice(fetched)
        .map(({ name }) => name)
      return { graphs: names.filter((name) => name.endsWith('.onnx')), kept: (await vertebra.cachedModels()).length }
    })
    expect(result.graphs).toEqual([])
    expect(result.kept).toBeGreaterThan(0)
  })

  it('shows a picture with its boxes in one line of HTML', async () => {
    const painted = await page.evaluate(async () => {
      document.body.innerHTML = '<vertebra-view model="tiny" src="/photos/cat.jpg" min-score="0.1"></vertebra-view>'
      await new Promise((resolve) => document.addEventListener('detections', resolve, { capture: true, once: true }))
      const share = (): number => {
        const canvas = document.querySelector('vertebra-view')?.shadowRoot?.querySelector('canvas')
        const context = canvas?.getContext('2d')
        if (!canvas || !context) return 0
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
        return data.filter((level, i) => i % 4 === 3 && level > 0).length / (data.length / 4)
      }
      for (let tries = 0; tries < 100 && share() === 0; tries++) await new Promise(requestAnimationFrame)
      return share()
    })
    expect(painted).toBeGreaterThan(0)
  })
})
