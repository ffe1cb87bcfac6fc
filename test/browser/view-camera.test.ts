import { describe, expect, it } from 'vitest'
import type { VertebraView } from '../../src/view/index.web.ts'
import { launch, missing } from './chromium.ts'
import { SOON, viewPage } from './view-page.ts'

describe.skipIf(missing)('the camera of <vertebra-view>', { timeout: 120_000 }, () => {
  const view = viewPage()
  const { open, results, liveTracks, forget, set, button, alert } = view

  it('opens the camera when the person wants it, by keyboard too, and closes it', async () => {
    await open('<vertebra-view model="tiny" camera min-score="0.1" max-fps="20"></vertebra-view>')
    await button('Start camera').waitFor()
    expect(await view.page.evaluate(() => tracks.length)).toBe(0)
    await view.page.keyboard.press('Tab')
    await view.page.keyboard.press('Enter')
    await results(3)
    expect(await liveTracks()).toBe(1)
    const video = view.page.locator('vertebra-view video')
    expect(await video.evaluate((element) => getComputedStyle(element).transform)).toBe('matrix(-1, 0, 0, 1, 0, 0)')
    expect(
      await view.page.evaluate(() =>
        seen.results.every(({ detections }) => detections.every((found) => 'trackId' in found)),
      ),
    ).toBe(true)
    // Other settings do not open the camera anew.
    await forget()
    await set('min-score', '0.9')
    await results(2)
    expect(await view.page.evaluate(() => tracks.length)).toBe(1)
    await button('Stop camera').click()
    expect(await liveTracks()).toBe(0)
    expect(await video.count()).toBe(0)
    await forget()
    await button('Start camera').click()
    await results(1)
    // Out of the page.
    await view.page.evaluate(() => document.querySelector('vertebra-view')?.remove())
    expect(await liveTracks()).toBe(0)
    expect(view.problems).toEqual([])
  })

  it('turns the camera off while nobody can see it', async () => {
    await open('<vertebra-view model="tiny" camera="environment" autostart></vertebra-view>')
    await results(1)
    const hide = (hidden: boolean): Promise<void> =>
      view.page.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    await hide(true)
    expect(await liveTracks()).toBe(0)
    await forget()
    await hide(false)
    await results(1)
    expect(await liveTracks()).toBe(1)
    await view.page.evaluate(() => window.dispatchEvent(new Event('pagehide')))
    expect(await liveTracks()).toBe(0)
    await forget()
    await view.page.evaluate(() => window.dispatchEvent(new Event('pageshow')))
    await results(1)
    expect(view.problems).toEqual([])
  })

  it('closes a camera that opens after the element is gone', async () => {
    await open('<vertebra-view model="tiny" camera></vertebra-view>')
    await button('Start camera').click()
    await view.page.evaluate(() => document.querySelector('vertebra-view')?.remove())
    await view.page.waitForFunction(() => tracks.length === 1)
    await expect.poll(liveTracks, SOON).toBe(0)
  })

  it('closes a camera that has no frame yet when the element goes', async () => {
    await open('<vertebra-view model="tiny" camera></vertebra-view>')
    await view.page.evaluate(() => {
      HTMLVideoElement.prototype.play = () => new Promise(() => undefined)
    })
    await button('Start camera').click()
    await view.page.waitForFunction(() => tracks.length === 1)
    expect(await liveTracks()).toBe(1)
    await view.page.evaluate(() => document.querySelector('vertebra-view')?.remove())
    expect(await liveTracks()).toBe(0)
  })

  it('leaves no camera on behind an attribute that is wrong, nor one that is opening', async () => {
    await open('<vertebra-view model="tiny" camera autostart></vertebra-view>')
    await results(1)
    await set('min-score', '2')
    expect(await alert()).toContain('attribute min-score')
    expect(await liveTracks()).toBe(0)
    await view.page.evaluate(async () => {
      const element = document.querySelector('vertebra-view')
      element?.setAttribute('min-score', '0.5')
      await Promise.resolve()
      element?.setAttribute('min-score', '2')
    })
    await view.page.waitForFunction(() => tracks.length === 2)
    await expect.poll(liveTracks, SOON).toBe(0)
  })

  it('starts and stops in the task that makes it', async () => {
    await open('')
    await view.page.evaluate(() => {
      const element = document.createElement('vertebra-view') as VertebraView
      element.setAttribute('model', 'tiny')
      element.setAttribute('camera', '')
      document.body.append(element)
      element.start()
    })
    await results(1)
    await view.page.evaluate(() => {
      const element = document.querySelector<VertebraView>('vertebra-view')
      element?.setAttribute('camera', 'user')
      element?.setAttribute('autostart', '')
      element?.stop()
    })
    await expect.poll(liveTracks, SOON).toBe(0)
    expect(await button('Start camera').isVisible()).toBe(true)
  })

  it('loads the model anew after its worker died', async () => {
    await open('<vertebra-view model="tiny" camera></vertebra-view>')
    await view.page.evaluate(() => {
      const Original = Worker
      globalThis.Worker = class extends Original {
        constructor(...given: ConstructorParameters<typeof Original>) {
          super(...given)
          document.addEventListener(
            'die',
            () => this.dispatchEvent(new ErrorEvent('error', { message: 'no memory' })),
            {
              once: true,
            },
          )
        }
      }
    })
    await button('Start camera').click()
    await results(1)
    await view.page.evaluate(() => document.dispatchEvent(new Event('die')))
    expect(await alert()).toContain('worker stopped')
    await forget()
    await button('Try again').click()
    await results(1)
  })

  it('says that the camera was not allowed, and tries again', async () => {
    await open('<vertebra-view model="tiny" camera></vertebra-view>', { camera: false })
    await button('Start camera').click()
    expect(await alert()).toContain('The camera was not allowed')
    expect(await view.page.evaluate(() => seen.errors)).toMatchObject([{ code: 'DEVICE_UNAVAILABLE' }])
    await view.context.grantPermissions(['camera'])
    await button('Try again').click()
    await results(1)
    expect(await view.page.getByRole('alert').isVisible()).toBe(false)
  })

  it('says that there is no camera', async () => {
    await using without = await launch()
    await open('<vertebra-view model="tiny" camera></vertebra-view>', { from: without })
    await button('Start camera').click()
    expect(await alert()).toContain('No camera was found')
    await view.context.close()
  })

  it('says that the camera was unplugged', async () => {
    await open('<vertebra-view model="tiny" camera autostart></vertebra-view>')
    await results(1)
    // What a browser does to the track of a camera that goes away.
    await view.page.evaluate(() => tracks[0]?.dispatchEvent(new Event('ended')))
    expect(await alert()).toContain('The camera stopped')
    expect(await liveTracks()).toBe(0)
    await forget()
    await button('Try again').click()
    await results(1)
  })
})
