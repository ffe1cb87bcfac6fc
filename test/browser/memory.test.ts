import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tinyModelFolder } from '../tiny-model.ts'
import { LIBRARY, launch, missing, PAGE, WEBGPU } from './chromium.ts'
import { type Heaps, watchHeaps } from './heaps.ts'
import { type Site, serve } from './serve.ts'

const isAsked = process.env.SLOW !== undefined && process.platform === 'linux'
if (!isAsked) console.warn('Skipped: the memory of a page over 1,000 frames (npm run test:slow, on Linux).')

if (isAsked && missing) throw new Error(`Expected a browser but ${missing}.`)

describe.skipIf(!isAsked)('the memory of a page', { timeout: 900_000 }, () => {
  let browser: Browser
  let site: Site
  let page: Page
  let heaps: Heaps
  beforeAll(async () => {
    browser = await launch(WEBGPU)
    const models = { '/models/tiny/': await tinyModelFolder(), '/models/': 'models' }
    site = await serve({ ...LIBRARY, ...models, '/page.html': PAGE })
    page = await browser.newPage()
    await page.goto(`${site.origin}/page.html`)
    heaps = await watchHeaps(page)
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  interface Memory {
    /** JavaScript's heaps, page and worker, in MB. */
    readonly heaps: readonly number[]
    /** Resident megabytes of all processes of the browser: page, workers, WebAssembly, and the (software) GPU. */
    readonly resident: number
  }

  /** Once all garbage is collected. */
  async function measure(): Promise<Memory> {
    const collected = await heaps.collected()
    const session = await browser.newBrowserCDPSession()
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    await session.detach()
    const kilobytes = processInfo
      .filter(({ type }) => type === 'renderer' || type === 'GPU')
      .map(({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]))
    return {
      heaps: collected.map((bytes) => bytes / 1e6),
      resident: kilobytes.reduce((sum, size) => sum + size, 0) / 1024,
    }
  }

  function report(name: string, { heaps, resident }: Memory): void {
    const sizes = heaps.map((size) => size.toFixed(1)).join(' + ')
    console.log(`${name}: ${resident.toFixed(0)} MB, of it JavaScript ${sizes} MB`)
  }

  for (const { model, device, frames, warm, height } of [
    { model: 'tiny', device: 'wasm', frames: 1000, warm: 300, height: 300 },
    { model: 'tiny', device: 'webgpu', frames: 200, warm: 60, height: 300 },
    // Flat pictures, because the large model takes seconds for a whole one.
    { model: 'resnet101-voc', device: 'wasm', frames: 100, warm: 30, height: 60 },
  ] as const) {
    it(`is flat over ${frames} frames of ${model} on ${device}`, async () => {
      const load = { model, device, height }
      await page.evaluate(async ({ model, device, height }) => {
        const detector = await vertebra.loadDetector(model, { device })
        const blob = await (await fetch('/photos/cat.jpg')).blob()
        const photo = await createImageBitmap(blob, 0, 0, 451, height)
        const run = async (count: number): Promise<void> => {
          for (let i = 0; i < count; i++) {
            const frame = new VideoFrame(photo, { timestamp: i })
            await detector.detect(frame)
            frame.close()
          }
        }
        Object.assign(globalThis, { run, end: () => detector.dispose() })
      }, load)
      const run = (count: number) => page.evaluate((count) => Reflect.get(globalThis, 'run')(count), count)
      await run(warm)
      const early = await measure()
      report(`${model} on ${device}, ${warm} frames`, early)
      await run(frames - warm)
      const late = await measure()
      report(`${model} on ${device}, ${frames} frames`, late)
      await page.evaluate(() => Reflect.get(globalThis, 'end')())
      expect(late.resident).toBeLessThan(early.resident * 1.05)
      expect(late.heaps).toHaveLength(2)
      // Half a megabyte for what the engine itself learns of code that runs.
      for (const [i, size] of late.heaps.entries()) expect(size).toBeLessThan((early.heaps[i] ?? 0) + 0.5)
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
    const early = await measure()
    report('5 detectors', early)
    await load(15)
    const late = await measure()
    report('20 detectors', late)
    expect(late.heaps).toHaveLength(1)
    expect(late.resident).toBeLessThan(early.resident * 1.1)
  })
})
