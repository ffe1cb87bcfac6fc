import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadBackbone, loadClassifier } from '../../src/load/node.ts'
import { tinyClassifierFolder } from '../tiny-classifier.ts'
import { tinyModelFolder } from '../tiny-model.ts'
import { LIBRARY, launch, missing, PAGE, WEBGPU } from './chromium.ts'
import { type Site, serve } from './serve.ts'

describe.skipIf(missing)('the worker and the model files', { timeout: 90_000 }, () => {
  let browser: Browser
  let folder: string
  let classifier: string
  let site: Site
  let context: BrowserContext
  let page: Page
  /** What the server does to the graph files of the next requests. */
  let spoil: ('cut' | 'flip' | 'none')[] = []

  beforeAll(async () => {
    folder = await tinyModelFolder()
    classifier = await tinyClassifierFolder()
    browser = await launch(WEBGPU)
  }, 60_000)
  beforeEach(async () => {
    spoil = []
    site = await serve(
      { ...LIBRARY, '/models/tiny/': folder, '/models/classifier/': classifier, '/page.html': PAGE },
      {
        intercept(request, response) {
          if (!request.url?.endsWith('.onnx')) return false
          const how = spoil.shift() ?? 'none'
          if (how === 'none') return false
          void readFile(join(folder, request.url.split('/').at(-1) ?? '')).then((bytes) => {
            if (how === 'cut') response.write(bytes.subarray(0, 100), () => response.destroy())
            else response.end(bytes.map((byte, i) => (i === 50 ? byte ^ 1 : byte)))
          })
          return true
        },
      },
    )
    context = await browser.newContext()
    page = await context.newPage()
    await page.goto(`${site.origin}/page.html`)
  })
  afterEach(async () => {
    await context.close()
    await site[Symbol.asyncDispose]()
  })
  afterAll(() => browser?.close())

  it('leaves what it was given to the caller', async () => {
    const counts = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm' })
      const blob = await (await fetch('/photos/cat.jpg')).blob()
      const bitmap = await createImageBitmap(blob)
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
      const context = canvas.getContext('2d')
      context?.drawImage(bitmap, 0, 0)
      const pixels = context?.getImageData(0, 0, canvas.width, canvas.height)
      const frame = new VideoFrame(canvas, { timestamp: 0 })
      if (!pixels) throw new Error('no pixels')
      const counts: number[] = []
      for (let round = 0; round < 2; round++) {
        for (const picture of [blob, bitmap, canvas, pixels, frame]) {
          counts.push((await detector.detect(picture, { minScore: 0.05 })).detections.length)
        }
      }
      frame.close()
      const batch = await detector.detectBatch([blob, bitmap], { minScore: 0.05 })
      await detector.dispose()
      return [...counts, ...batch.map(({ detections }) => detections.length)]
    })
    expect(counts).toHaveLength(12)
    expect(new Set(counts).size).toBe(1)
    expect(counts[0]).toBeGreaterThan(3)
  })

  it('gives the feature maps that Node gives', async () => {
    const there = await page.evaluate(async () => {
      const backbone = await vertebra.loadBackbone('tiny', { device: 'wasm' })
      const { c4, p3 } = await backbone.extract('/photos/cat.jpg', { levels: ['c4', 'p3'] })
      const same = await backbone.similar('/photos/cat.jpg', '/photos/cat.jpg')
      await backbone.dispose()
      return { c4: Array.from(c4?.data ?? []), p3: p3?.stride, same }
    })
    await using backbone = await loadBackbone(folder, { device: 'cpu' })
    const { c4 } = await backbone.extract('examples/photos/cat.jpg', { levels: ['c4'] })
    const largest = Math.max(...(c4?.data ?? []))
    expect(there.c4).toHaveLength(c4?.data.length ?? 0)
    // The JPEG decoders differ by up to two levels of 255.
    for (const [i, value] of there.c4.entries())
      expect(Math.abs(value - (c4?.data[i] ?? 0))).toBeLessThan(largest * 0.03)
    expect(there.p3).toBe(8)
    expect(there.same).toBeCloseTo(1, 12)
  })

  it('classifies in its worker, and in the page, what Node classifies', async () => {
    const there = await page.evaluate(async () => {
      const results = []
      for (const worker of [true, false]) {
        const classifier = await vertebra.loadClassifier('classifier', { device: 'wasm', worker })
        const photo = await createImageBitmap(await (await fetch('/photos/cat.jpg')).blob())
        const { classes, device } = await classifier.classify(photo, { top: 7 })
        const { length } = await classifier.backbone.embed(photo)
        const wrong = await errorOf(() => classifier.classify(photo, { top: 0 }))
        const stillOpen = photo.width > 0
        await classifier.dispose()
        const after = await errorOf(() => classifier.classify(photo))
        results.push({ classes, device: device.device, length, wrong, stillOpen, after })
      }
      const task = await errorOf(() => vertebra.loadClassifier('tiny', { device: 'wasm' }))
      return { results, task }
    })
    await using here = await loadClassifier(classifier, { device: 'cpu' })
    const { classes } = await here.classify('examples/photos/cat.jpg', { top: 7 })
    const [inWorker, inPage] = there.results
    expect(inWorker).toEqual(inPage)
    expect(inWorker).toMatchObject({ device: 'wasm', stillOpen: true })
    expect(inWorker?.length).toBeGreaterThan(1)
    expect(inWorker?.wrong).toMatch(/^INVALID_ARGUMENT: .*top/)
    expect(inWorker?.after).toMatch(/^DISPOSED/)
    expect(there.task).toMatch(/^MODEL_INVALID: Expected a classifier/)
    expect(inWorker?.classes.map(({ label }) => label)).toEqual(classes.map(({ label }) => label))
    for (const [i, { probability }] of (inWorker?.classes ?? []).entries())
      expect(Math.abs(probability - (classes[i]?.probability ?? 0))).toBeLessThan(0.005)
  })

  it('says what goes wrong in words, and dies without a hang', async () => {
    const errors = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm' })
      const controller = new AbortController()
      controller.abort()
      const cancelled = new AbortController()
      let worker: Worker | undefined
      const own = await vertebra.loadDetector('tiny', {
        device: 'wasm',
        worker: () => {
          worker = new Worker('/vertebra/worker.js', { type: 'module' })
          return worker
        },
      })
      const nothing: unknown = [1]
      const errors = {
        classes: await errorOf(() => detector.detect('/photos/cat.jpg', { classes: ['bird'] })),
        picture: await errorOf(() => detector.detect('/photos/no.jpg')),
        kind: await errorOf(() => detector.detect(nothing as string)),
        level: await errorOf(() => detector.backbone.extract('/photos/cat.jpg', { levels: ['c9'] })),
        aborted: await errorOf(() => detector.detect('/photos/cat.jpg', { signal: controller.signal })),
        cancelled: await errorOf(() => {
          const work = detector.detect('/photos/cat.jpg', { signal: cancelled.signal })
          setTimeout(() => cancelled.abort(), 1)
          return work
        }),
        died: await errorOf(() => {
          const work = own.detect('/photos/cat.jpg')
          setTimeout(() => worker?.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' })), 1)
          return work
        }),
        afterDeath: await errorOf(() => own.detect('/photos/cat.jpg')),
        noScript: await errorOf(() =>
          vertebra.loadDetector('tiny', { worker: () => new Worker('/nothing.js', { type: 'module' }) }),
        ),
        device: await errorOf(() => vertebra.loadDetector('tiny', { device: 'cpu' })),
        model: await errorOf(() => vertebra.loadDetector('no-such-model')),
        runtime: await errorOf(() => vertebra.loadDetector('tiny', { runtimeUrl: '/nowhere/' })),
        after: await errorOf(async () => {
          await detector.dispose()
          await detector.dispose()
          return detector.detect('/photos/cat.jpg')
        }),
      }
      await own.dispose()
      return errors
    })
    expect(errors.classes).toMatch(/^INVALID_ARGUMENT: .*cat, dog, person/)
    expect(errors.picture).toMatch(/^IMAGE_NOT_FOUND: .*404/)
    expect(errors.kind).toMatch(/^INVALID_ARGUMENT/)
    expect(errors.level).toMatch(/^INVALID_ARGUMENT: .*c2, c3, c4, c5/)
    expect(errors.aborted).toMatch(/^ABORTED/)
    expect(errors.cancelled).toMatch(/^ABORTED/)
    expect(errors.died).toMatch(/^INFERENCE_FAILED: .*worker stopped \(out of memory\): load it again/)
    expect(errors.afterDeath).toBe(errors.died)
    expect(errors.noScript).toMatch(/^INFERENCE_FAILED: .*worker stopped/)
    expect(errors.device).toMatch(/^DEVICE_UNAVAILABLE: .*webgpu, webnn, wasm/)
    expect(errors.model).toMatch(/^MODEL_NOT_FOUND: .*models\/no-such-model\/model.json.*404/)
    expect(errors.runtime).toMatch(/^DEPENDENCY_MISSING|^DEVICE_UNAVAILABLE/)
    expect(errors.after).toMatch(/^DISPOSED/)
  })

  it('keeps the model, works offline the second time, lists it and forgets it', async () => {
    const first = await page.evaluate(async () => {
      const steps: { phase: string; done: number; total?: number }[] = []
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm', onProgress: (step) => steps.push(step) })
      await detector.dispose()
      return { steps, models: await vertebra.cachedModels() }
    })
    const bytes = first.steps.filter(({ phase }) => phase === 'download').at(-1)
    expect(bytes?.done).toBe(bytes?.total)
    expect(first.steps.at(-1)).toMatchObject({ phase: 'load', done: 3, total: 3 })
    expect(first.models).toMatchObject([{ name: 'tiny', url: `${site.origin}/models/tiny/` }])
    expect(first.models[0]?.bytes).toBe(first.models[0]?.totalBytes)
    const requests = site.requests.filter((path) => path.endsWith('.onnx')).length
    expect(requests).toBe(3)
    const again = await page.evaluate(async () => {
      const original = globalThis.fetch
      globalThis.fetch = async (...request) => {
        if (String(request[0]).includes('/models/')) throw new TypeError('offline')
        return original(...request)
      }
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm', worker: false })
      const { detections } = await detector.detect('/photos/cat.jpg', { minScore: 0.05 })
      await detector.dispose()
      await vertebra.clearCachedModels()
      const models = await vertebra.cachedModels()
      return {
        count: detections.length,
        models,
        gone: await errorOf(() => vertebra.loadDetector('tiny', { worker: false })),
      }
    })
    expect(again.count).toBeGreaterThan(3)
    expect(again.models).toEqual([])
    expect(again.gone).toMatch(/^NETWORK/)
    expect(site.requests.filter((path) => path.endsWith('.onnx')).length).toBe(requests)
  })

  it('goes on where the network broke, and refuses other bytes than the manifest says', async () => {
    spoil = ['cut', 'cut']
    const load = () => errorOf(async () => (await vertebra.loadDetector('tiny', { device: 'wasm' })).dispose())
    expect(await page.evaluate(load)).toBe('no error')
    await page.evaluate(() => vertebra.clearCachedModels())
    spoil = ['flip']
    expect(await page.evaluate(load)).toMatch(/^MODEL_CORRUPT: .*sha256/)
    // What was wrong is not kept.
    expect(await page.evaluate(load)).toBe('no error')
  })

  it('works without storage, and from files that a person chose', async () => {
    const files: Record<string, string> = {}
    for (const name of ['model.json', 'backbone.onnx', 'rpn.onnx', 'roi-head.onnx']) {
      files[name] = (await readFile(join(folder, name))).toString('base64')
    }
    const counts = await page.evaluate(async (files) => {
      const blobs = await Promise.all(
        Object.entries(files).map(async ([name, base64]) => {
          const bytes = await (await fetch(`data:application/octet-stream;base64,${base64}`)).blob()
          return new File([bytes], name)
        }),
      )
      const counts: (number | string)[] = []
      for (const model of [blobs, Object.fromEntries(blobs.map((file) => [file.name, file]))]) {
        const detector = await vertebra.loadDetector(model, { device: 'wasm' })
        counts.push((await detector.detect('/photos/cat.jpg', { minScore: 0.05 })).detections.length)
        await detector.dispose()
      }
      counts.push(await errorOf(() => vertebra.loadDetector({ 'model.json': blobs[0] as Blob }, { device: 'wasm' })))
      caches.open = () => Promise.reject(new DOMException('forbidden', 'SecurityError'))
      const detector = await vertebra.loadDetector('tiny', { device: 'wasm', worker: false })
      counts.push((await detector.detect('/photos/cat.jpg', { minScore: 0.05 })).detections.length)
      await detector.dispose()
      return [...counts, (await vertebra.cachedModels()).length]
    }, files)
    expect(counts[0]).toBeGreaterThan(3)
    expect(counts.slice(0, 2)).toEqual([counts[3], counts[3]])
    expect(counts[2]).toMatch(/^MODEL_NOT_FOUND/)
    expect(counts[4]).toBe(0)
  })

  it('goes on with WebAssembly when the GPU is lost', async () => {
    const results = await page.evaluate(async () => {
      const detector = await vertebra.loadDetector('tiny', { device: 'webgpu', worker: false })
      const before = await detector.detect('/photos/cat.jpg', { minScore: 0.05 })
      const { env } = await gpuRuntime()
      const device = await env.webgpu.device
      device.destroy()
      const after = await detector.detect('/photos/cat.jpg', { minScore: 0.05 })
      await detector.dispose()
      return { before, after, device: detector.device }
    })
    expect(results.before.device.device).toBe('webgpu')
    expect(results.after.device.device).toBe('wasm')
    expect(results.after.device.reason).toMatch(/^webgpu was lost while it ran; wasm was chosen: webgpu: /)
    expect(results.device).toEqual(results.after.device)
    expect(results.after.detections.length).toBe(results.before.detections.length)
  })
})
