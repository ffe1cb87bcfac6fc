import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { StreamResult } from '../../src/index.web.ts'
import { tinyModelFolder } from '../tiny-model.ts'
import { LIBRARY, launch, PAGE } from './chromium.ts'
import { type Site, serve } from './serve.ts'

/** A busy machine may take its time: what is waited for comes, or never does. */
export const SOON = { timeout: 30_000 }

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

/** How a page is opened: with a camera allowed, in the suite's browser, from the suite's server. */
interface Opening {
  readonly camera?: boolean
  readonly from?: Browser
  readonly origin?: string
}

interface ViewPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors that nobody caught, or that stand in the console. */
  readonly problems: readonly string[]
  /** Where the small model lies. */
  readonly folder: string
  open(html: string, opening?: Opening): Promise<void>
  /** Waits for this many results. */
  results(count: number): Promise<unknown>
  liveTracks(): Promise<number>
  /** Results until now do not count any more. */
  forget(): Promise<void>
  /** Sets an attribute of the element. */
  set(name: string, value: string): Promise<void>
  /** Share of the overlay's pixels that are painted. */
  painted(): Promise<number>
  button(name: string): Locator
  /** What the element says went wrong. */
  alert(): Promise<string | null>
}

/** A page with the element on it, anew for each test of the suite that calls this. */
export function viewPage(): ViewPage {
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

  async function open(
    html: string,
    { camera = true, from = browser, origin = site.origin }: Opening = {},
  ): Promise<void> {
    // To grant one permission is to deny the others.
    context = await from.newContext({ permissions: camera ? ['camera'] : ['geolocation'] })
    page = await context.newPage()
    problems = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    await page.goto(`${origin}/page.html`)
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
  const painted = (): Promise<number> =>
    page.locator('vertebra-view canvas').evaluate((canvas: HTMLCanvasElement) => {
      const data =
        canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray(4)
      let count = 0
      for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) count += 1
      return (4 * count) / data.length
    })
  const button = (name: string): Locator => page.getByRole('button', { name, exact: true })
  const alert = (): Promise<string | null> => page.getByRole('alert').textContent({ timeout: 60_000 })

  return {
    open,
    results,
    liveTracks,
    forget,
    set,
    painted,
    button,
    alert,
    get folder() {
      return folder
    },
    get context() {
      return context
    },
    get page() {
      return page
    },
    get problems() {
      return problems
    },
  }
}
