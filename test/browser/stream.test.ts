import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'
import { LIBRARY, launch, missing, PAGE } from './chromium.ts'
import { type Site, serve } from './serve.ts'

/** A film of the repository's photos, as the fake camera takes it: JPEGs one after another. */
async function film(path: string): Promise<void> {
  const frames = await Promise.all(
    Array.from({ length: 30 }, (_, i) =>
      sharp('examples/photos/cat.jpg')
        .extract({ left: i, top: 0, width: 400, height: 300 })
        .resize(320, 240)
        .jpeg()
        .toBuffer(),
    ),
  )
  await writeFile(path, Buffer.concat(frames))
}

describe.skipIf(missing)('streams in a page', { timeout: 90_000 }, () => {
  let browser: Browser
  let site: Site
  let context: BrowserContext
  let page: Page
  beforeAll(async () => {
    const camera = join(temporaryFolder(), 'camera.mjpeg')
    await film(camera)
    browser = await launch(['--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${camera}`])
    site = await serve({ ...LIBRARY, '/models/tiny/': await tinyModelFolder(), '/page.html': PAGE })
  }, 60_000)
  beforeEach(async () => {
    context = await browser.newContext({ permissions: ['camera'] })
    page = await context.newPage()
    await page.goto(`${site.origin}/page.html`)
  })
  afterEach(() => context.close())
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  it("detects on a camera, a video element and a stream, in the video's own pixels", async () => {
    const seen = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm' })
      const media = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } })
      const [track] = media.getVideoTracks()
      if (!track) throw new Error('no camera')
      const video = document.createElement('video')
      video.muted = true
      video.srcObject = media
      await video.play()
      const seen: { width: number; height: number; times: number[]; ids: number; index: number[] }[] = []
      for (const source of [video, track, media]) {
        const times: number[] = []
        const index: number[] = []
        let ids = 0
        let size = { width: 0, height: 0 }
        for await (const result of detector.stream(source, { track: true, minScore: 0.05 })) {
          times.push(result.timestamp)
          index.push(result.index)
          ids += result.detections.filter((detection) => 'trackId' in detection).length
          size = { width: result.width, height: result.height }
          if (times.length === 4) break
        }
        seen.push({ ...size, times, ids, index })
      }
      const state = track.readyState
      track.stop()
      await detector.dispose()
      return { seen, state }
    })
    expect(seen.seen).toHaveLength(3)
    for (const { width, height, times, ids, index } of seen.seen) {
      expect([width, height]).toEqual([320, 240])
      expect(index).toEqual([0, 1, 2, 3])
      expect(ids).toBeGreaterThan(0)
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(new Set(times).size).toBe(4)
    }
    // The camera is the caller's.
    expect(seen.state).toBe('live')
  })

  it('keeps to a frame rate, waits while the video is paused, and ends with it or with an abort', async () => {
    const result = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm' })
      const media = await navigator.mediaDevices.getUserMedia({ video: true })
      const video = document.createElement('video')
      video.muted = true
      video.srcObject = media
      await video.play()
      const began = performance.now()
      let slow = 0
      for await (const _ of detector.stream(video, { maxFps: 4 })) if (++slow === 4) break
      const elapsed = performance.now() - began
      video.pause()
      // Pictures that were on their way still come: until ten repaints have brought none.
      for (let quiet = 0; quiet < 10; quiet++) {
        video.requestVideoFrameCallback(() => {
          quiet = 0
        })
        await new Promise(requestAnimationFrame)
      }
      const controller = new AbortController()
      const paused = errorOf(async () => {
        for await (const _ of detector.stream(video, { signal: controller.signal }))
          throw new Error('a paused video moved')
      })
      await new Promise((resolve) => setTimeout(resolve, 300))
      controller.abort()
      const aborted = await paused
      const empty = new AbortController()
      const none = errorOf(async () => {
        for await (const _ of detector.stream(document.createElement('video'), { signal: empty.signal })) break
      })
      setTimeout(() => empty.abort(), 200)
      const noPicture = await none
      const [track] = media.getVideoTracks()
      const unplugged = errorOf(async () => {
        let frames = 0
        for await (const _ of detector.stream(media)) {
          // What the browser does when a camera is pulled out.
          if (++frames === 2) track?.dispatchEvent(new Event('ended'))
        }
      })
      const lost = await unplugged
      track?.stop()
      let after = 0
      for await (const _ of detector.stream(media)) after += 1
      await detector.dispose()
      return { elapsed, aborted, noPicture, lost, after }
    })
    expect(result.elapsed).toBeGreaterThan(740)
    expect(result.aborted).toMatch(/^ABORTED/)
    expect(result.noPicture).toMatch(/^ABORTED/)
    expect(result.lost).toMatch(/^DEVICE_UNAVAILABLE: The camera stopped/)
    expect(result.after).toBe(0)
  })

  it('stands still while its tab is hidden', async () => {
    const counts = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm' })
      const media = await navigator.mediaDevices.getUserMedia({ video: true })
      let count = 0
      const controller = new AbortController()
      const work = errorOf(async () => {
        for await (const _ of detector.stream(media, { signal: controller.signal })) count += 1
      })
      const hide = (hidden: boolean): void => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }
      const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
      const until = async (isSo: () => boolean): Promise<void> => {
        for (let i = 0; i < 600 && !isSo(); i++) await pause(50)
      }
      await until(() => count > 0)
      const moving = count
      hide(true)
      // A frame that is being worked on comes to its end.
      let before = -1
      for (let i = 0; i < 20 && before !== count; i++) {
        before = count
        await pause(1000)
      }
      const still = count
      await pause(700)
      const hidden = count
      hide(false)
      await until(() => count > hidden)
      controller.abort()
      await work
      for (const track of media.getTracks()) track.stop()
      await detector.dispose()
      return { moving, still, hidden, again: count }
    })
    expect(counts.moving).toBeGreaterThan(0)
    expect(counts.hidden).toBe(counts.still)
    expect(counts.again).toBeGreaterThan(counts.still)
  })

  it('works on the newest of the frames that a page pushes, and closes them', async () => {
    const { dropped, closed } = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm' })
      const photo = await createImageBitmap(await (await fetch('/photos/cat.jpg')).blob())
      const frames: VideoFrame[] = []
      async function* pushed(): AsyncGenerator<VideoFrame> {
        for (let i = 0; i < 30; i++) {
          const frame = new VideoFrame(photo, { timestamp: i })
          frames.push(frame)
          yield frame
          await new Promise((resolve) => setTimeout(resolve, 2))
        }
      }
      let dropped = 0
      for await (const result of detector.stream(pushed())) dropped += result.dropped
      await detector.dispose()
      return { dropped, closed: frames.filter((frame) => frame.format === null).length }
    })
    expect(dropped).toBeGreaterThan(0)
    expect(closed).toBe(30)
  })
})
