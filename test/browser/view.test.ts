import { describe, expect, it } from 'vitest'
import type { VertebraView } from '../../src/view/index.web.ts'
import { LIBRARY, missing } from './chromium.ts'
import { contrast } from './contrast.ts'
import { ISOLATED, serve } from './serve.ts'
import { SOON, viewPage } from './view-page.ts'

describe.skipIf(missing)('<vertebra-view>', { timeout: 120_000 }, () => {
  const view = viewPage()
  const { open, results, liveTracks, forget, set, painted, button, alert } = view

  it('shows what is on a picture, with one line of HTML', async () => {
    await open('<vertebra-view model="tiny" src="/photos/cat.jpg" min-score="0.1" device="wasm"></vertebra-view>')
    await results(1)
    const { found, wanted, bytes, wasDefined } = await view.page.evaluate(async () => {
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
    expect(await view.page.locator('vertebra-view').getByText(/^wasm/).count()).toBe(1)
    await expect
      .poll(() => view.page.locator('vertebra-view [role=status]').textContent(), SOON)
      .toMatch(/^\d+ (cat|dog|person)/)
    expect(await view.page.getByRole('button').count()).toBe(0)
    // A lowest score that nothing reaches, and a class.
    await set('min-score', '1')
    await expect.poll(painted, SOON).toBe(0)
    await forget()
    await set('min-score', '0.1')
    await set('classes', 'dog')
    const labels = () =>
      view.page.evaluate(() => [...new Set(seen.results.at(-1)?.detections.map(({ label }) => label))])
    await expect.poll(labels, SOON).toEqual(['dog'])
    await set('heat-map', 'c4')
    await expect.poll(painted, SOON).toBeGreaterThan(0.95)
    await view.page.evaluate(() => document.querySelector('vertebra-view')?.removeAttribute('heat-map'))
    await expect.poll(painted, SOON).toBeLessThan(0.9)
    await set('device', 'gpu')
    await expect.poll(() => view.page.getByRole('alert').textContent(), SOON).toContain('attribute device')
    expect(view.problems).toEqual([])
  })

  it('shows a picture in a page that was opened in the background', async () => {
    await open('')
    await view.page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true })
      document.body.innerHTML = '<vertebra-view model="tiny" src="/photos/cat.jpg"></vertebra-view>'
    })
    await results(1)
  })

  it('says that a model is not there, and leaves no camera on', async () => {
    await open('<vertebra-view model="/models/none/" camera autostart></vertebra-view>')
    expect(await alert()).toMatch(/The model was not found. .*404/)
    expect(await view.page.evaluate(() => tracks.length)).toBe(1)
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
    await view.context.setOffline(true)
    await button('Start camera').click()
    expect(await alert()).toContain('You are offline')
  })

  it('works under a strict Content-Security-Policy', async () => {
    const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'"
    await using strict = await serve(
      {
        ...LIBRARY,
        '/models/tiny/': view.folder,
        '/page.html':
          '<!doctype html><title>policy</title><link rel="icon" href="/photos/cat.jpg"><script type="module" src="/page.js"></script>',
        '/page.js': "import { defineVertebraView } from '/vertebra/view.js'; defineVertebraView()",
      },
      { headers: { ...ISOLATED, 'Content-Security-Policy': policy } },
    )
    await open(
      '<vertebra-view model="tiny" src="/photos/cat.jpg" min-score="0.1" heat-map="c4" runtime-url="/onnxruntime-web/"></vertebra-view>',
      { origin: strict.origin },
    )
    await expect.poll(painted, SOON).toBeGreaterThan(0.95)
    expect(view.problems).toEqual([])
  })

  it('can be read in light and dark', async () => {
    await open('<vertebra-view model="tiny" camera></vertebra-view>')
    await button('Start camera').waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await view.page.emulateMedia({ colorScheme })
      const colours = await view.page.locator('vertebra-view').evaluate((view) => {
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
