import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { temporaryFolder, tinyRecipe, writeModelFolder } from '../tiny-model.ts'
import { launch, missing } from './chromium.ts'
import { contrast } from './contrast.ts'

/** A busy machine may take its time: what is waited for comes, or never does. */
const SOON = { timeout: 30_000 }

/** The demo as a person starts it, on two tiny models, with a camera that films the repository's photos. */
describe.skipIf(missing)('the demo of examples/webcam', { timeout: 180_000 }, () => {
  let server: ChildProcess
  let origin: string
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let problems: string[]
  beforeAll(async () => {
    const folder = temporaryFolder()
    for (const name of ['tiny-a', 'tiny-b']) {
      await writeModelFolder(join(folder, 'models', name), await convertDetector(tinyRecipe({ name })))
    }
    server = spawn(process.execPath, [
      'scripts/webcam.mjs',
      '--no-build',
      '--port',
      '0',
      '--models',
      join(folder, 'models'),
    ])
    for await (const line of createInterface({ input: server.stdout ?? process.stdin })) {
      origin = /http:\/\/localhost:\d+/.exec(line)?.[0] ?? ''
      break
    }
    const film = join(folder, 'film.mjpeg')
    const photos = await Promise.all(
      ['cat', 'astronaut'].map((name) => sharp(`examples/photos/${name}.jpg`).resize(640, 480).jpeg().toBuffer()),
    )
    await writeFile(film, Buffer.concat(photos.flatMap((photo) => Array.from({ length: 10 }, () => photo))))
    browser = await launch(['--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${film}`])
  }, 120_000)
  afterEach(async () => {
    await context?.close()
  })
  afterAll(async () => {
    server?.kill()
    await browser?.close()
  })

  async function open({ camera = true, width = 1280 } = {}): Promise<void> {
    context = await browser.newContext({
      permissions: camera ? ['camera'] : ['geolocation'],
      viewport: { width, height: 900 },
      reducedMotion: 'reduce',
    })
    page = await context.newPage()
    await page.addInitScript(() => {
      globalThis.tracks = []
      const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
      navigator.mediaDevices.getUserMedia = async (constraints) => {
        const stream = await original(constraints)
        tracks.push(...stream.getTracks())
        return stream
      }
    })
    problems = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    await page.goto(`${origin}/`)
  }

  /** Waits until every pane has shown a result. */
  async function running(panes = 1): Promise<void> {
    await page.waitForFunction(
      (panes) => {
        const rates = [...document.querySelectorAll('.rate')]
        return rates.length === panes && rates.every(({ textContent }) => textContent !== '')
      },
      panes,
      { timeout: 60_000 },
    )
  }

  /** Share of each overlay's pixels that are painted. */
  const painted = (): Promise<number[]> =>
    page.locator('.stage canvas[aria-hidden]').evaluateAll((canvases) =>
      canvases.map((element) => {
        const canvas = element as HTMLCanvasElement
        const data =
          canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray(4)
        let count = 0
        for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) count += 1
        return (4 * count) / data.length
      }),
    )
  const score = (value: string): Promise<void> => page.getByRole('slider', { name: 'Lowest score' }).fill(value)
  const liveTracks = (): Promise<number> =>
    page.evaluate(() => tracks.filter(({ readyState }) => readyState === 'live').length)

  it('plays its sample at once; score, classes and heat map do what they say', async () => {
    await open()
    await running()
    await score('0.1')
    await expect.poll(painted, SOON).toEqual([expect.toSatisfy((share: number) => share > 0.005 && share < 0.6)])
    await score('1')
    await expect.poll(painted, SOON).toEqual([0])
    await score('0.1')
    await page.getByText('Classes:').click()
    await page.getByRole('button', { name: 'None' }).click()
    await expect.poll(painted, SOON).toEqual([0])
    expect(await page.locator('#classes-count').textContent()).toBe('0 of 3')
    await page.getByRole('checkbox', { name: 'dog' }).check()
    await expect.poll(painted, SOON).toEqual([expect.toSatisfy((share: number) => share > 0)])
    await page.getByRole('combobox', { name: 'Heat map' }).selectOption('c5')
    await expect.poll(painted, SOON).toEqual([expect.toSatisfy((share: number) => share > 0.9)])
    await page.getByRole('combobox', { name: 'Heat map' }).selectOption('')
    await expect.poll(painted, SOON).toEqual([expect.toSatisfy((share: number) => share < 0.9)])
    expect(await page.locator('.stages dt').allTextContents()).toEqual([
      'decode',
      'prepare',
      'network',
      'proposals',
      'pooling',
      'head',
      'postprocess',
    ])
    expect(await page.locator('.device').textContent()).toMatch(/^wasm was chosen: .* threads\.$/)
    expect(problems).toEqual([])
  })

  it('shows two models side by side on the same frame', async () => {
    await open()
    await running()
    await page.getByRole('radio', { name: 'Together' }).check()
    await running(2)
    expect(await page.locator('.title strong').allTextContents()).toEqual(['tiny-a', 'tiny-b'])
    const frames = await page
      .locator('canvas.still')
      .evaluateAll((canvases) => canvases.map((canvas) => (canvas as HTMLCanvasElement).toDataURL()))
    expect(frames).toHaveLength(2)
    expect(frames[0]?.length).toBeGreaterThan(20_000)
    expect(frames[1]).toBe(frames[0])
    await page.getByRole('radio', { name: 'tiny-b' }).check()
    await running(1)
    expect(await page.locator('.title strong').allTextContents()).toEqual(['tiny-b'])
    expect(problems).toEqual([])
  })

  it('films, and leaves no camera on', async () => {
    await open()
    await running()
    await page.getByRole('radio', { name: 'Camera' }).check()
    await running()
    expect(await liveTracks()).toBe(1)
    // The film, not the browser's own test pattern: a photo has many colours.
    const colours = await page.locator('video.media').evaluate((video: HTMLVideoElement) => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 })
      const context = canvas.getContext('2d')
      context?.drawImage(video, 0, 0, 64, 48)
      return new Set(new Uint32Array(context?.getImageData(0, 0, 64, 48).data.buffer ?? new ArrayBuffer(4))).size
    })
    expect(colours).toBeGreaterThan(500)
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    expect(await liveTracks()).toBe(0)
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: false, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await running()
    expect(await liveTracks()).toBe(1)
    await page.getByRole('radio', { name: 'Sample' }).check()
    await expect.poll(liveTracks, SOON).toBe(0)
    await running()
    expect(problems).toEqual([])
  })

  it('says that the camera was not allowed, and goes on with something else', async () => {
    await open({ camera: false })
    await running()
    await page.getByRole('radio', { name: 'Camera' }).check()
    await expect.poll(() => page.getByRole('alert').textContent(), SOON).toContain('The camera was not allowed')
    await page.getByRole('radio', { name: 'Sample' }).check()
    await running()
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  it('looks at a picture or video of the person, and says when a file is neither', async () => {
    await open()
    await running()
    await page.getByRole('radio', { name: 'File' }).check()
    const file = page.getByLabel('Picture or video')
    await file.setInputFiles('examples/photos/astronaut.jpg')
    await running()
    await score('0.1')
    await expect.poll(painted, SOON).toEqual([expect.toSatisfy((share: number) => share > 0.005)])
    await page.getByRole('combobox', { name: 'Heat map' }).selectOption('p4')
    await expect.poll(painted, SOON).toEqual([expect.toSatisfy((share: number) => share > 0.65)])
    await file.setInputFiles({ name: 'odd.mp4', mimeType: 'video/mp4', buffer: await readFile('package.json') })
    await expect
      .poll(() => page.getByRole('alert').textContent(), SOON)
      .toBe('odd.mp4 is not a picture or video that this browser can show.')
  })

  it('fits a phone, can be read in light and dark, and every control has a name', async () => {
    await open({ width: 390 })
    await running()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    const unnamed = await page.locator('input, select, button, progress').evaluateAll((controls) =>
      controls.filter((control) => {
        const labels = (control as HTMLInputElement).labels ?? []
        const words = [...labels].map(({ textContent }) => textContent).join('') || control.textContent
        return !words?.trim() && !control.getAttribute('aria-label')
      }),
    )
    expect(unnamed).toEqual([])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const colours = await page.evaluate(() =>
        [
          ...document.querySelectorAll<HTMLElement>(
            'p, h1, legend, label, dt, dd, strong, small, summary, button, span',
          ),
        ]
          .filter((element) => element.checkVisibility() && element.textContent.trim() !== '')
          .map((element) => {
            let behind: Element | null = element
            while (behind && /, 0\)$/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement
            const ground = getComputedStyle(behind ?? document.body).backgroundColor
            return [element.textContent, getComputedStyle(element).color, ground] as const
          }),
      )
      expect(colours.length).toBeGreaterThan(15)
      for (const [words, ink, ground] of colours) {
        expect(contrast(ink, ground), `${words}: ${ink} on ${ground}, ${colorScheme}`).toBeGreaterThanOrEqual(4.5)
      }
    }
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowRight')
    expect(await page.getByRole('radio', { name: 'Camera' }).isChecked()).toBe(true)
    const outline = await page
      .locator('.segments input:checked + span')
      .evaluate((span) => getComputedStyle(span).outlineStyle)
    expect(outline).toBe('solid')
  })

  it('is served with the two headers, with parts of files, and nothing else of the disk', async () => {
    const page = await fetch(`${origin}/`)
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp')
    const whole = Buffer.from(await (await fetch(`${origin}/models/tiny-a/rpn.onnx`)).arrayBuffer())
    const part = await fetch(`${origin}/models/tiny-a/rpn.onnx`, { headers: { range: 'bytes=10-' } })
    expect(part.status).toBe(206)
    expect(part.headers.get('content-range')).toBe(`bytes 10-${whole.length - 1}/${whole.length}`)
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(10))).toBe(true)
    const beyond = await fetch(`${origin}/models/tiny-a/rpn.onnx`, { headers: { range: `bytes=${whole.length}-` } })
    expect(beyond.status).toBe(416)
    // fetch would tidy these addresses up.
    for (const [path, status] of [
      ['/photos/../../package.json', 404],
      ['/photos/%2e%2e/%2e%2e/package.json', 404],
      ['/photos/..%2f..%2fpackage.json', 404],
      ['/models//etc/passwd', 404],
      ['/%', 400],
      ['/photos/%00', 400],
      ['/photos/', 404],
    ] as const) {
      const answer = await new Promise<number | undefined>((resolve) => {
        request(`${origin}`, { path }, ({ statusCode }) => resolve(statusCode)).end()
      })
      expect(answer, path).toBe(status)
    }
  })
})
