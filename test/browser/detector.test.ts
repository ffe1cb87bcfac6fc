import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DetectionResult } from '../../src/index.web.ts'
import { loadDetector } from '../../src/load/node.ts'
import { tinyModelFolder } from '../tiny-model.ts'
import { LIBRARY, launch, missing, PAGE, WEBGPU } from './chromium.ts'
import { ISOLATED, type Site, serve } from './serve.ts'

const CAT = 'examples/photos/cat.jpg'

describe.skipIf(missing)('a detector in a page', { timeout: 120_000 }, () => {
  let browser: Browser
  let site: Site
  let page: Page
  let folder: string
  let inNode: DetectionResult
  const large = 'models/resnet101-voc'
  beforeAll(async () => {
    folder = await tinyModelFolder()
    browser = await launch(WEBGPU)
    site = await serve({ ...LIBRARY, '/models/tiny/': folder, '/models/large/': large, '/page.html': PAGE })
    page = await browser.newPage()
    await page.goto(`${site.origin}/page.html`)
    await using detector = await loadDetector(folder, { device: 'cpu' })
    inNode = await detector.detect(CAT, { minScore: 0.05 })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  /** Boxes within 0.5 px and scores within 0.005 of Node's. */
  function expectSame(result: DetectionResult, { detections }: DetectionResult): void {
    expect(result.detections.length).toBe(detections.length)
    expect(detections.length).toBeGreaterThan(3)
    for (const [i, { label, score, box }] of result.detections.entries()) {
      const other = detections[i]
      expect(label).toBe(other?.label)
      expect(Math.abs(score - (other?.score ?? 0))).toBeLessThan(0.005)
      for (const [k, value] of box.entries()) expect(Math.abs(value - (other?.box[k] ?? 0))).toBeLessThan(0.5)
    }
  }

  for (const device of ['wasm', 'webgpu'] as const) {
    for (const worker of [true, false]) {
      it(`finds on ${device}, ${worker ? 'in its worker' : 'in the page'}, what Node finds`, async () => {
        const result = await page.evaluate(
          async ([device, worker]) => {
            const detector = await vertebra.loadDetector('tiny', { device, worker })
            const photo = await (await fetch('/photos/cat.jpg')).blob()
            const result = await detector.detect(photo, { minScore: 0.05 })
            await detector.dispose()
            return result
          },
          [device, worker] as const,
        )
        expectSame(result, inNode)
        expect(result.device.device).toBe(device)
      })
    }
  }

  it('finds on wasm, where convolutions take another form, what Node finds with a model of 101 layers', async () => {
    const options = { minScore: 0.02, precision: 'float32' } as const
    const result = await page.evaluate(async (options) => {
      const detector = await vertebra.loadDetector('large', { ...options, device: 'wasm' })
      const result = await detector.detect('/photos/astronaut.jpg', options)
      await detector.dispose()
      return result
    }, options)
    await using detector = await loadDetector(large, { ...options, device: 'cpu' })
    expectSame(result, await detector.detect('examples/photos/astronaut.jpg', options))
    expect(result.precision).toBe('float32')
  })

  it('says which device it took and why not the better ones', async () => {
    const { device } = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny')
      const { device } = detector
      await detector.dispose()
      return { device }
    })
    expect(device.device).toBe('wasm')
    expect(device.reason).toMatch(
      /^wasm was chosen: webgpu: the browser has only a software GPU; webnn: .* still a draft .*; it runs on \d+ threads\.$/,
    )
  })

  it('says how to get threads where a page has none', async () => {
    await using plain = await serve({ ...LIBRARY, '/models/tiny/': folder, '/page.html': PAGE }, { headers: {} })
    const other = await browser.newPage()
    await other.goto(`${plain.origin}/page.html`)
    const reason = await other.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm' })
      await detector.detect('/photos/cat.jpg')
      const { reason } = detector.device
      await detector.dispose()
      return reason
    })
    expect(reason).toContain('wasm was asked for; it runs on one thread, because the page is not cross-origin isolated')
    for (const [header, value] of Object.entries(ISOLATED).slice(0, 2)) expect(reason).toContain(`${header}: ${value}`)
    await other.close()
  })
})
