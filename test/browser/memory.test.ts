import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tinyModelFolder } from '../tiny-model.ts'
import { LIBRARY, launch, missing, PAGE, WEBGPU } from './chromium.ts'
import { type Site, serve } from './serve.ts'

const isAsked = process.env.SLOW !== undefined && process.platform === 'linux'
if (!isAsked) console.warn('Skipped: the memory of a page over 1,000 frames (npm run test:slow, on Linux).')

describe.skipIf(missing || !isAsked)('the memory of a page', { timeout: 900_000 }, () => {
  let browser: Browser
  let site: Site
  let page: Page
  beforeAll(async () => {
    browser = await launch([...WEBGPU, '--js-flags=--expose-gc'])
    site = await serve({ ...LIBRARY, '/models/tiny/': await tinyModelFolder(), '/page.html': PAGE })
    page = await browser.newPage()
    await page.goto(`${site.origin}/page.html`)
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  /** Resident megabytes of all processes of the browser: the page with its workers, and the (software) GPU. */
  async function resident(): Promise<number> {
    await page.evaluate(() => (Reflect.get(globalThis, 'gc') as () => void)())
    const session = await browser.newBrowserCDPSession()
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    await session.detach()
    const kilobytes = processInfo
      .filter(({ type }) => type === 'renderer' || type === 'GPU')
      .map(({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]))
    return kilobytes.reduce((sum, size) => sum + size, 0) / 1024
  }

  for (const [device, frames, warm] of [
    ['wasm', 1000, 300],
    ['webgpu', 200, 60],
  ] as const) {
    it(`is flat over ${frames} frames on ${device}`, async () => {
      await page.evaluate(async (device) => {
        const detector = await vertebra.loadDetector('tiny', { device })
        const photo = await createImageBitmap(await (await fetch('/photos/cat.jpg')).blob())
        const run = async (count: number): Promise<void> => {
          for (let i = 0; i < count; i++) {
            const frame = new VideoFrame(photo, { timestamp: i })
            await detector.detect(frame)
            frame.close()
          }
        }
        Object.assign(globalThis, { run, end: () => detector.dispose() })
      }, device)
      const run = (count: number) => page.evaluate((count) => Reflect.get(globalThis, 'run')(count), count)
      await run(warm)
      const early = await resident()
      await run(frames - warm)
      const late = await resident()
      await page.evaluate(() => Reflect.get(globalThis, 'end')())
      console.log(`${device}: ${early.toFixed(0)} MB after ${warm} frames, ${late.toFixed(0)} MB after ${frames}`)
      expect(late).toBeLessThan(early * 1.05)
    })
  }

  it('is given back: 20 detectors, one after another', async () => {
    const load = (times: number) =>
      page.evaluate(async (times) => {
        for (let i = 0; i < times; i++) {
          const detector = await vertebra.loadDetector('tiny', { device: 'wasm' })
          await detector.detect('/photos/cat.jpg')
          await detector.dispose()
        }
      }, times)
    await load(5)
    const early = await resident()
    await load(15)
    const late = await resident()
    console.log(`${early.toFixed(0)} MB after 5 detectors, ${late.toFixed(0)} MB after 20`)
    expect(late).toBeLessThan(early * 1.1)
  })
})
