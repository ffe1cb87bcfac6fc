import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { StreamResult } from '../../src/index.web.ts'
import type { VertebraView } from '../../src/view/index.web.ts'
import { tinyModelFolder } from '../tiny-model.ts'
import { LIBRARY, launch, missing, PAGE } from './chromium.ts'
import { contrast } from './contrast.ts'
import { ISOLATED, type Site, serve } from './serve.ts'

/** A busy machine may take its time: what is waited for comes, or never does. */
const SOON = { timeout: 30_000 }

declare global {
  /** What the element of the test's page has said, and the cameras that the page has opened. */
  var seen: { results: StreamResult[]; errors: { code: string; message: string }[]; bytes: number }
  var tracks: MediaStreamTrack[]
}

const SCRIPT = `<script type="module">
import { defineVertebraView } from '/vertebra/view.js'
globalThis.wasDefined = customElements.get('vertebra-view') !== undefined
globalThis.define = defineVertebraView
globalThis.tracks = []
if (navigator.mediaDevices) {
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await original(constraints)
    tracks.push(...stream.getTracks())
    return stream
  }
}
globalThis.seen = { results: [], errors: [], bytes: 0 }
for (const [type, keep] of [
  ['detections', ({ detail }) => seen.results.push(detail)],
  ['error', ({ detail }) => seen.errors.push({ code: detail.code, message: detail.message })],
  ['progress', ({ detail }) => { if (detail.phase === 'download') seen.bytes = Math.max(seen.bytes, detail.done) }],
]) document.addEventListener(type, keep, { capture: true })
defineVertebraView()
defineVertebraView()
</script></html>`

describe.skipIf(missing)('<vertebra-view>', { timeout: 120_000 }, () => {
  let browser: Browser
  let site: Site
  let folder: string
  let context: BrowserContext
  let page: Page
  let problems: string[]
  beforeAll(async () => {
    folder = await tinyModelFolder()
    browser = await launch(['--use-fake-device-for-media-stream'])
    site = await serve({ ...LIBRARY, '/models/tiny/': folder, '/page.html': PAGE.replace('</html>', SCRIPT) })
  }, 120_000)
  afterEach(async () => {
    await context?.close()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  async function open(html: string, { camera = true, from = browser } = {}): Promise<void> {
    // To grant one permission is to deny the others.
    context = await from.newContext({ permissions: camera ? ['camera'] : ['geolocation'] })
    page = await context.newPage()
    problems = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    await page.goto(`${site.origin}/page.html`)
    await page.evaluate((html) => {
      document.body.innerHTML = html
    }, html)
  }

  const results = (count: number): Promise<unknown> =>
    page.waitForFunction((count) => seen.results.length >= count, count, { timeout: 60_000 })
  const liveTracks = (): Promise<number> =>
    page.evaluate(() => tracks.filter(({ readyState }) => readyState === 'live').length)
  const forget = (): Promise<void> =>
    page.evaluate(() => {
      seen.results.length = 0
    })
  const set = (name: string, value: string): Promise<void> =>
    page.evaluate(([name, value]) => document.querySelector('vertebra-view')?.setAttribute(name, value), [
      name,
      value,
    ] as const)
  /** Share of the overlay's pixels that are painted. */
  const painted = (): Promise<number> =>
    page.locator('vertebra-view canvas').evaluate((canvas: HTMLCanvasElement) => {
      const data =
        canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray(4)
      let count = 0
      for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) count += 1
      return (4 * count) / data.length
    })
  const button = (name: string) => page.getByRole('button', { name, exact: true })

  it('shows what is on a picture, with one line of HTML', async () => {
    await open('<vertebra-view model="tiny" src="/photos/cat.jpg" min-score="0.1" device="wasm"></vertebra-view>')
    await results(1)
    const { found, wanted, bytes, wasDefined } = await page.evaluate(async () => {
      const detector = document.querySelector<VertebraView>('vertebra-view')?.detector
      const wanted = await detector?.detect('/photos/cat.jpg', { minScore: 0.1 })
      const [found] = seen.results
      return {
        found: found?.detections,
        wanted: wanted?.detections,
        bytes: seen.bytes,
        wasDefined: Reflect.get(globalThis, 'wasDefined'),
      }
    })
    expect(wasDefined).toBe(false)
    expect(found?.length).toBeGreaterThan(2)
    expect(found?.map(({ label }) => label)).toEqual(wanted?.map(({ label }) => label))
    expect(bytes).toBeGreaterThan(10_000)
    await expect.poll(painted, SOON).toBeGreaterThan(0.005)
    expect(await page.locator('vertebra-view').getByText(/^wasm/).count()).toBe(1)
    await expect
      .poll(() => page.locator('vertebra-view [role=status]').textContent(), SOON)
      .toMatch(/^\d+ (cat|dog|person)/)
    expect(await page.getByRole('button').count()).toBe(0)
    // A lowest score that nothing reaches, and a class.
    await set('min-score', '1')
    await expect.poll(painted, SOON).toBe(0)
    await forget()
    await set('min-score', '0.1')
    await set('classes', 'dog')
    const labels = () => page.evaluate(() => [...new Set(seen.results.at(-1)?.detections.map(({ label }) => label))])
    await expect.poll(labels, SOON).toEqual(['dog'])
    await set('heat-map', 'c4')
    await expect.poll(painted, SOON).toBeGreaterThan(0.95)
    await page.evaluate(() => document.querySelector('vertebra-view')?.removeAttribute('heat-map'))
    await expect.poll(painted, SOON).toBeLessThan(0.9)
    await set('device', 'gpu')
    await expect.poll(() => page.getByRole('alert').textContent(), SOON).toContain('attribute device')
    expect(problems).toEqual([])
  })

  it('opens the camera when the person wants it, by keyboard too, and closes it', async () => {
    await open('<vertebra-view model="tiny" camera min-score="0.1" max-fps="20"></vertebra-view>')
    await button('Start camera').waitFor()
    expect(await page.evaluate(() => tracks.length)).toBe(0)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await results(3)
    expect(await liveTracks()).toBe(1)
    const video = page.locator('vertebra-view video')
    expect(await video.evaluate((element) => getComputedStyle(element).transform)).toBe('matrix(-1, 0, 0, 1, 0, 0)')
    expect(
      await page.evaluate(() =>
        seen.results.every(({ detections }) => detections.every((found) => 'trackId' in found)),
      ),
    ).toBe(true)
    // Other settings do not open the camera anew.
    await forget()
    await set('min-score', '0.9')
    await results(2)
    expect(await page.evaluate(() => tracks.length)).toBe(1)
    await button('Stop camera').click()
    expect(await liveTracks()).toBe(0)
    expect(await video.count()).toBe(0)
    await forget()
    await button('Start camera').click()
    await results(1)
    // Out of the page.
    await page.evaluate(() => document.querySelector('vertebra-view')?.remove())
    expect(await liveTracks()).toBe(0)
    expect(problems).toEqual([])
  })

  it('turns the camera off while nobody can see it', async () => {
    await open('<vertebra-view model="tiny" camera="environment" autostart></vertebra-view>')
    await results(1)
    const hide = (hidden: boolean): Promise<void> =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    await hide(true)
    expect(await liveTracks()).toBe(0)
    await forget()
    await hide(false)
    await results(1)
    expect(await liveTracks()).toBe(1)
    await page.evaluate(() => window.dispatchEvent(new Event('pagehide')))
    expect(await liveTracks()).toBe(0)
    await forget()
    await page.evaluate(() => window.dispatchEvent(new Event('pageshow')))
    await results(1)
    expect(problems).toEqual([])
  })

  it('closes a camera that opens after the element is gone', async () => {
    await open('<vertebra-view model="tiny" camera></vertebra-view>')
    await button('Start camera').click()
    await page.evaluate(() => document.querySelector('vertebra-view')?.remove())
    await page.waitForFunction(() => tracks.length === 1)
    await expect.poll(liveTracks, SOON).toBe(0)
  })

  const alert = (): Promise<string | null> => page.getByRole('alert').textContent({ timeout: 60_000 })

  it('says that the camera was not allowed, and tries again', async () => {
    await open('<vertebra-view model="tiny" camera></vertebra-view>', { camera: false })
    await button('Start camera').click()
    expect(await alert()).toContain('The camera was not allowed')
    expect(await page.evaluate(() => seen.errors)).toMatchObject([{ code: 'DEVICE_UNAVAILABLE' }])
    await context.grantPermissions(['camera'])
    await button('Try again').click()
    await results(1)
    expect(await page.getByRole('alert').isVisible()).toBe(false)
  })

  it('says that there is no camera', async () => {
    await using without = await launch()
    await open('<vertebra-view model="tiny" camera></vertebra-view>', { from: without })
    await button('Start camera').click()
    expect(await alert()).toContain('No camera was found')
    await context.close()
  })

  it('says that the camera was unplugged', async () => {
    await open('<vertebra-view model="tiny" camera autostart></vertebra-view>')
    await results(1)
    // What a browser does to the track of a camera that goes away.
    await page.evaluate(() => tracks[0]?.dispatchEvent(new Event('ended')))
    expect(await alert()).toContain('The camera stopped')
    expect(await liveTracks()).toBe(0)
    await forget()
    await button('Try again').click()
    await results(1)
  })

  it('says that a model is not there, and leaves no camera on', async () => {
    await open('<vertebra-view model="/models/none/" camera autostart></vertebra-view>')
    expect(await alert()).toMatch(/The model was not found. .*404/)
    expect(await page.evaluate(() => tracks.length)).toBe(1)
    expect(await liveTracks()).toBe(0)
    await set('model', 'tiny')
    await results(1)
  })

  it('says that a picture is not there', async () => {
    await open('<vertebra-view model="tiny" src="/photos/none.jpg"></vertebra-view>')
    expect(await alert()).toContain('Expected a picture or video')
  })

  it('says that it is offline', async () => {
    await open('<vertebra-view model="tiny" camera></vertebra-view>')
    await context.setOffline(true)
    await button('Start camera').click()
    expect(await alert()).toContain('You are offline')
  })

  it('works under a strict Content-Security-Policy', async () => {
    const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'"
    await using strict = await serve(
      {
        ...LIBRARY,
        '/models/tiny/': folder,
        '/page.html':
          '<!doctype html><title>policy</title><link rel="icon" href="/photos/cat.jpg"><script type="module" src="/page.js"></script>' +
          '<vertebra-view model="tiny" src="/photos/cat.jpg" min-score="0.1" heat-map="c4" runtime-url="/onnxruntime-web/"></vertebra-view>',
        '/page.js': "import { defineVertebraView } from '/vertebra/view.js'; defineVertebraView()",
      },
      { headers: { ...ISOLATED, 'Content-Security-Policy': policy } },
    )
    context = await browser.newContext()
    page = await context.newPage()
    const refused: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') refused.push(message.text())
    })
    await page.goto(`${strict.origin}/page.html`)
    await expect.poll(painted, SOON).toBeGreaterThan(0.95)
    expect(refused).toEqual([])
  })

  it('can be read in light and dark', async () => {
    await open('<vertebra-view model="tiny" camera></vertebra-view>')
    await button('Start camera').waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const colours = await page.locator('vertebra-view').evaluate((view) => {
        const of = (part: string) => getComputedStyle(view.shadowRoot?.querySelector(`[part=${part}]`) ?? view)
        const surface = of('view').backgroundColor
        return [
          [of('button').color, of('button').backgroundColor],
          [of('status').color, surface],
          [of('message').color, surface],
        ]
      })
      for (const [ink, ground] of colours) {
        expect(contrast(ink ?? '', ground ?? ''), `${ink} on ${ground}, ${colorScheme}`).toBeGreaterThanOrEqual(4.5)
      }
    }
  })
})
