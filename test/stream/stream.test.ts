import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import type { DetectionResult } from '../../src/detector/result.ts'
import { streamDetections } from '../../src/detector/stream.ts'
import { VertebraError } from '../../src/errors.ts'
import { newestFrames } from '../../src/stream/frame.ts'
import { errorOf } from '../error-of.ts'

interface Picture {
  readonly number: number
  close(): void
}

/** Frames that are pushed by hand, and what became of them. */
function camera() {
  const closed: number[] = []
  const waiting: Picture[] = []
  let wake = (): void => undefined
  let ended = false
  let returned = false
  return {
    closed,
    get returned() {
      return returned
    },
    push(number: number) {
      waiting.push({ number, close: () => closed.push(number) })
      wake()
    },
    end() {
      ended = true
      wake()
    },
    source: {
      [Symbol.asyncIterator]: () => ({
        async next(): Promise<IteratorResult<Picture>> {
          for (;;) {
            const value = waiting.shift()
            if (value) return { done: false, value }
            if (ended) return { done: true, value: undefined }
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          }
        },
        async return(): Promise<IteratorResult<Picture>> {
          returned = true
          return { done: true, value: undefined }
        },
      }),
    },
  }
}

const result = (x: number): DetectionResult => ({
  width: 10,
  height: 10,
  detections: [{ box: [x, 0, 5, 5], label: 'cat', classIndex: 0, categoryId: 1, score: 1 }],
  device: { device: 'cpu', reason: 'test' },
  precision: 'float32',
  times: { decode: 0, prepare: 0, network: 0, proposals: 0, pooling: 0, head: 0, postprocess: 0 },
})

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

describe('a stream', () => {
  it('works on the newest frame, leaves out the others, and closes all', async () => {
    const { push, end, source, closed } = camera()
    let release = (): void => undefined
    const seen: number[] = []
    const detect = async ({ number }: Picture): Promise<DetectionResult> => {
      seen.push(number)
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return result(0)
    }
    const stream = streamDetections(detect, newestFrames(source))
    push(1)
    const first = stream.next()
    await settled()
    for (const number of [2, 3, 4]) push(number)
    await settled()
    release()
    expect((await first).value).toMatchObject({ index: 0, dropped: 0 })
    const second = stream.next()
    await settled()
    release()
    expect((await second).value).toMatchObject({ index: 1, dropped: 2 })
    end()
    expect((await stream.next()).done).toBe(true)
    expect(seen).toEqual([1, 4])
    expect(closed.sort()).toEqual([1, 2, 3, 4])
  })

  it('follows objects', async () => {
    const { push, end, source } = camera()
    let x = 0
    const stream = streamDetections(async () => result(x++), newestFrames(source), { track: { smoothing: 0 } })
    const found = []
    for (const number of [1, 2, 3]) {
      push(number)
      found.push((await stream.next()).value?.detections[0])
    }
    end()
    expect(found.map((detection) => detection && 'trackId' in detection && detection.trackId)).toEqual([1, 1, 1])
  })

  it('ends at an abort although no frame comes, and lets go of its source', async () => {
    const opened = camera()
    const controller = new AbortController()
    const stream = streamDetections(async () => result(0), newestFrames(opened.source), { signal: controller.signal })
    const next = errorOf(stream.next())
    await settled()
    controller.abort()
    expect(await next).toMatch(/^ABORTED/)
    opened.end()
    await settled()
    expect(opened.returned).toBe(true)
  })

  it('frees a frame that comes after an abort', async () => {
    const { push, source, closed } = camera()
    const controller = new AbortController()
    const stream = streamDetections(async () => result(0), newestFrames(source), { signal: controller.signal })
    const next = errorOf(stream.next())
    await settled()
    controller.abort()
    expect(await next).toMatch(/^ABORTED/)
    push(1)
    await settled()
    expect(closed).toEqual([1])
  })

  it('lets the detector work beside a source that never waits', async () => {
    let given = 0
    async function* tireless(): AsyncGenerator<Picture> {
      // The end keeps a failure of this test from freezing it.
      while (given < 100_000) yield { number: given++, close: () => undefined }
    }
    const detect = async (): Promise<DetectionResult> => {
      await settled()
      return result(0)
    }
    for await (const { index } of streamDetections(detect, newestFrames(tireless()))) if (index === 2) break
    expect(given).toBeLessThan(1000)
  })

  it('survives a source whose end fails after the consumer has left', async () => {
    const failures: unknown[] = []
    const onFailure = (error: unknown): void => void failures.push(error)
    process.on('unhandledRejection', onFailure)
    async function* failing(): AsyncGenerator<Picture> {
      try {
        for (;;) yield { number: 1, close: () => undefined }
      } finally {
        await Promise.reject(new Error('cannot close'))
      }
    }
    for await (const _ of streamDetections(async () => result(0), newestFrames(failing()))) break
    await settled()
    process.off('unhandledRejection', onFailure)
    expect(failures).toEqual([])
  })

  it('frees a frame that comes after its consumer has left', async () => {
    const { push, source, closed } = camera()
    push(1)
    for await (const { index } of streamDetections(async () => result(0), newestFrames(source))) {
      expect(index).toBe(0)
      break
    }
    await settled()
    push(2)
    await settled()
    expect(closed).toEqual([1, 2])
  })

  it('gives nothing of a frame that was worked on when it was aborted', async () => {
    const { push, source, closed } = camera()
    const controller = new AbortController()
    const detect = async (): Promise<DetectionResult> => {
      controller.abort()
      return result(0)
    }
    const stream = streamDetections(detect, newestFrames(source), { signal: controller.signal })
    push(1)
    expect(await errorOf(stream.next())).toMatch(/^ABORTED/)
    expect(closed).toEqual([1])
  })

  it('passes on what the detector and the source throw', async () => {
    const { push, source, closed } = camera()
    const broken = streamDetections(async () => {
      throw new VertebraError('INFERENCE_FAILED', 'no')
    }, newestFrames(source))
    push(1)
    expect(await errorOf(broken.next())).toContain('no')
    expect(closed).toEqual([1])
    async function* failing(): AsyncGenerator<Picture> {
      yield { number: 1, close: () => undefined }
      throw new VertebraError('DEVICE_UNAVAILABLE', 'unplugged')
    }
    const stream = streamDetections(async () => result(0), newestFrames(failing()))
    await stream.next()
    expect(await errorOf(stream.next())).toContain('unplugged')
  })

  it('keeps no frame that it is done with', async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const pictures: WeakRef<Picture>[] = []
    async function* source(): AsyncGenerator<Picture> {
      for (let number = 0; number < 12; number++) {
        const picture = { number, close: () => undefined }
        pictures.push(new WeakRef(picture))
        yield picture
        await settled()
      }
    }
    const { signal } = new AbortController()
    for await (const { index } of streamDetections(async () => result(0), newestFrames(source()), { signal })) {
      if (index < 9) continue
      await settled()
      collect()
      // The first one stays in a register of its reader's loop.
      expect(pictures.slice(1, 8).filter((picture) => picture.deref())).toEqual([])
      break
    }
  })

  it('leaves no timer behind when it is aborted between two frames', async () => {
    const { push, source } = camera()
    const controller = new AbortController()
    const { signal } = controller
    const stream = streamDetections(async () => result(0), newestFrames(source), { maxFps: 0.1, signal })
    push(1)
    await stream.next()
    vi.useFakeTimers()
    const next = errorOf(stream.next())
    await Promise.resolve()
    expect(vi.getTimerCount()).toBe(1)
    controller.abort()
    expect(await next).toMatch(/^ABORTED/)
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('keeps to a frame rate', async () => {
    const { source } = camera()
    expect(await errorOf(streamDetections(async () => result(0), newestFrames(source), { maxFps: 0 }).next())).toMatch(
      /^INVALID_ARGUMENT: .*maxFps/,
    )
  })
})
