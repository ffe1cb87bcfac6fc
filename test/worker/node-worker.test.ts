import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import sharp from 'sharp'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type * as Vertebra from '../../src/index.node.ts'
import { tinyClassifierFolder } from '../tiny-classifier.ts'
import { temporaryFolder, testPhoto, tinyModelFolder } from '../tiny-model.ts'

// The thread's script exists only as built.
const ENTRY = new URL('../../dist/index.node.js', import.meta.url)
const isBuilt = existsSync(ENTRY)
if (!isBuilt) console.warn('Skipped: the thread of Node needs the built library (npm run build).')

const CAT = 'examples/photos/cat.jpg'

describe.skipIf(!isBuilt)('a detector in a thread of Node', () => {
  let folder: string
  let vertebra: typeof Vertebra
  beforeAll(async () => {
    folder = await tinyModelFolder()
    vertebra = await import(ENTRY.href)
  })

  it('finds what it finds in this thread, in every form of a picture', async () => {
    await using here = await vertebra.loadDetector(folder)
    const expected = (await here.detect(CAT, { minScore: 0.05 })).detections
    expect(expected.length).toBeGreaterThan(3)
    const steps: string[] = []
    const onProgress = ({ phase }: { phase: string }): void => void steps.push(phase)
    const there = await vertebra.loadDetector(folder, { worker: true, onProgress })
    expect(steps).toEqual(['load', 'load', 'load'])
    const bytes = await readFile(CAT)
    const forms = [CAT, new URL(`../../${CAT}`, import.meta.url), bytes, new Blob([bytes]), sharp(CAT)]
    for (const form of forms) expect((await there.detect(form, { minScore: 0.05 })).detections).toEqual(expected)
    const photo = testPhoto(64, 48)
    expect((await there.detectBatch([photo, CAT], { minScore: 0.05 }))[1]?.detections).toEqual(expected)
    // Bytes stay the caller's.
    expect(bytes.length).toBeGreaterThan(0)
    const { c5 } = await there.backbone.extract(photo)
    expect(c5).toEqual((await here.backbone.extract(photo)).c5)
    await there.dispose()
    await expect(there.detect(CAT)).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  it('classifies as in this thread', async () => {
    const classifier = await tinyClassifierFolder()
    await using here = await vertebra.loadClassifier(classifier)
    await using there = await vertebra.loadClassifier(classifier, { worker: true })
    expect(there.labels).toEqual(here.labels)
    expect(await there.classify(CAT, { top: 3 })).toEqual(await here.classify(CAT, { top: 3 }))
    expect(await there.backbone.embed(CAT)).toEqual(await here.backbone.embed(CAT))
    await expect(there.classify(CAT, { top: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(vertebra.loadClassifier(folder, { worker: true })).rejects.toMatchObject({ code: 'MODEL_INVALID' })
  })

  it('passes errors and aborts on as they are', async () => {
    await using detector = await vertebra.loadDetector(folder, { worker: true })
    await expect(detector.detect('nothing.jpg')).rejects.toBeInstanceOf(vertebra.VertebraError)
    await expect(detector.detect('nothing.jpg')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(detector.detect(CAT, { classes: ['bird'] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const controller = new AbortController()
    const aborted = detector.detect(CAT, { signal: controller.signal })
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(vertebra.loadDetector('no-such-model', { worker: true })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    })
  })

  it('refuses addresses as without a thread', async () => {
    await using detector = await vertebra.loadDetector(folder, { worker: true })
    for (const address of ['file://elsewhere/a.jpg', 'ftp://example.org/a.jpg', 'http://']) {
      const input = URL.canParse(address) ? new URL(address) : address
      await expect(detector.detect(input)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    for (const model of [undefined, 'http://'] as string[]) {
      await expect(vertebra.loadDetector(model, { worker: true })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(vertebra.createPool(model)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  it('sends of a large buffer only the picture', async () => {
    await using detector = await vertebra.loadDetector(folder, { worker: true })
    const post = vi.spyOn(Worker.prototype, 'postMessage')
    const { data, ...size } = testPhoto(8, 8)
    const video = new Uint8Array(1 << 20)
    video.set(data)
    await detector.detect({ ...size, data: video.subarray(0, data.length) })
    const [{ takes }] = post.mock.calls[0] as [{ takes: { images: { data: Uint8Array }[] } }]
    expect(takes.images[0]?.data.buffer.byteLength).toBe(data.length)
    post.mockRestore()
  })

  it.each(['--max-old-space-size=512', '--expose-gc', '--no-warnings'])('loads under the flag %s', async (flag) => {
    const script = join(temporaryFolder(), 'script.mjs')
    await writeFile(
      script,
      `import { loadDetector } from ${JSON.stringify(ENTRY.href)}
       const detector = await loadDetector(${JSON.stringify(folder)}, { worker: true })
       console.log(detector.labels.length)
       await detector.dispose()`,
    )
    const { stdout } = await promisify(execFile)(process.execPath, [flag, script])
    expect(stdout.trim()).toBe('3')
  })

  it('works beside the event loop, and lets the process end', async () => {
    const script = `
      import { loadDetector } from ${JSON.stringify(ENTRY.href)}
      const detector = await loadDetector(${JSON.stringify(folder)}, { worker: true })
      let turns = 0
      const count = () => { turns += 1; timer = setImmediate(count) }
      let timer = setImmediate(count)
      const { detections } = await detector.detect(${JSON.stringify(CAT)}, { minScore: 0.05 })
      clearImmediate(timer)
      console.log(detections.length > 3, turns > 100)
    `
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    expect(stdout.trim()).toBe('true true')
  })

  it('lets the process end after an abort, and while it waits for work', async () => {
    const script = `
      import { loadDetector } from ${JSON.stringify(ENTRY.href)}
      const detector = await loadDetector(${JSON.stringify(folder)}, { worker: true })
      const aborted = detector.detect(${JSON.stringify(CAT)}, { signal: AbortSignal.timeout(5) })
      console.log(await aborted.catch(({ code }) => code))
    `
    const ends = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 30_000 })
    expect((await ends).stdout.trim()).toBe('ABORTED')
  })
})
