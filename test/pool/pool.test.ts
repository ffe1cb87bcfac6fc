import { describe, expect, it } from 'vitest'
import type { DetectorCore } from '../../src/detector/detector.ts'
import { createStopwatch } from '../../src/detector/stopwatch.ts'
import { VertebraError } from '../../src/errors.ts'
import { decodeImage, type ImageInput } from '../../src/images/decode.node.ts'
import type { RawImage } from '../../src/images/image.ts'
import { type DetectorPool, poolOf } from '../../src/pool/pool.node.ts'
import { errorOf } from '../error-of.ts'
import { tinyManifest } from '../tiny-model.ts'

const manifest = tinyManifest()

/** A photo whose width is its number, and its height what becomes of it. */
const photo = (number: number, height = 1): RawImage => ({
  width: number,
  height,
  channels: 1,
  data: new Uint8Array(number * height),
})
const FAILS = 2
const KILLS = 3

interface Work {
  readonly width: number
  readonly worker: number
  finish(): void
}

/** Workers whose photos finish when the test says so, or at once. */
function workshop({ atOnce = false, mostKills = Number.POSITIVE_INFINITY } = {}) {
  const started: Work[] = []
  const disposed: number[] = []
  let workers = 0
  let kills = 0
  const start = async (): Promise<DetectorCore<RawImage>> => {
    const worker = workers++
    const about = { device: { device: 'cpu', reason: 'a test' }, precision: 'float32' } as const
    let dead = false
    let working = 0
    return {
      manifest,
      ...about,
      runtime: 'none',
      async detectBatch(images, { signal } = {}) {
        if (dead) throw new VertebraError('INFERENCE_FAILED', 'it is dead')
        const results = []
        for (const { width, height } of images) {
          expect(++working).toBe(1)
          await new Promise<void>((finish) => {
            started.push({ width, worker, finish })
            if (atOnce) finish()
            signal?.addEventListener('abort', () => finish())
          })
          working -= 1
          if (signal?.aborted) throw new VertebraError('ABORTED', 'aborted')
          if (height === FAILS) throw new VertebraError('INFERENCE_FAILED', `photo ${width} fails`)
          if (height === KILLS && kills++ < mostKills) {
            dead = true
            throw new VertebraError('INFERENCE_FAILED', `worker ${worker} stopped`)
          }
          const { times } = createStopwatch()
          results.push({ width, height, detections: [], ...about, times })
        }
        return results
      },
      extract: () => Promise.reject(new Error('not here')),
      async dispose() {
        disposed.push(worker)
      },
    }
  }
  const pool = async (size: number, queue: number): Promise<DetectorPool<ImageInput>> => {
    const loaded = []
    for (let i = 0; i < size; i++) loaded.push(await start())
    return poolOf(loaded, start, decodeImage, queue)
  }
  return { started, disposed, pool }
}

/** Everything that can go on without a worker has gone on. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

describe('a pool', () => {
  it('reads no more photos than it has places for, and works on as many as it has workers', async () => {
    const { started, pool } = workshop()
    const two = await pool(2, 1)
    let read = 0
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      read += 1
      yield Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="5" height="1"/>')
    }
    const results = Array.from({ length: 6 }, () => two.detect(stream()))
    while (started.length < 2) await settle()
    await settle()
    expect([started.length, read]).toEqual([2, 3])
    started[0]?.finish()
    while (read < 4) await settle()
    expect(read).toBe(4)
    for (let i = 1; i < 6; i++) {
      while (started.length <= i) await settle()
      started[i]?.finish()
    }
    expect((await Promise.all(results)).map(({ width }) => width)).toEqual([5, 5, 5, 5, 5, 5])
    expect(read).toBe(6)
    await two.dispose()
  })

  it('gives outcomes in the order of the photos, each failure in its place', async () => {
    const { started, pool } = workshop()
    const three = await pool(3, 0)
    const photos = [photo(1), photo(2, FAILS), photo(3), 'missing.jpg', photo(5)]
    const steps: unknown[] = []
    const reading = (async () => {
      const seen = []
      for await (const outcome of three.detectAll(photos, { onProgress: (step) => steps.push(step) })) {
        expect(outcome.input).toBe(photos[outcome.index])
        seen.push('error' in outcome ? outcome.error.code : outcome.result.width)
      }
      return seen
    })()
    while (started.length < 3) await settle()
    // The last one first.
    for (const work of [...started].reverse()) work.finish()
    while (started.length < 4) await settle()
    started[3]?.finish()
    expect(await reading).toEqual([1, 'INFERENCE_FAILED', 3, 'IMAGE_NOT_FOUND', 5])
    expect(steps).toEqual(
      photos.map((input, i) => ({ phase: 'detect', done: i + 1, total: 5, ...(i === 3 && { item: input }) })),
    )
    await three.dispose()
  })

  it('reads ahead of a slow reader only so far', async () => {
    const { pool } = workshop({ atOnce: true })
    await using two = await pool(2, 3)
    let pulled = 0
    let closed = false
    function* photos(): Generator<RawImage> {
      try {
        while (true) yield photo(++pulled)
      } finally {
        closed = true
      }
    }
    for await (const { index } of two.detectAll(photos())) {
      await settle()
      expect(pulled).toBeLessThanOrEqual(index + 1 + 5)
      if (index === 9) break
    }
    expect(closed).toBe(true)
    expect(pulled).toBeGreaterThan(10)
  })

  it('replaces a worker that dies and tries its photo once more', async () => {
    const { started, pool, disposed } = workshop({ atOnce: true, mostKills: 1 })
    await using two = await pool(2, 0)
    expect(await two.detect(photo(7, KILLS))).toMatchObject({ width: 7 })
    expect(started.map(({ width, worker }) => [width, worker])).toEqual([
      [7, 0],
      [7, 2],
    ])
    // The dead worker's thread is given back.
    expect(disposed).toEqual([0])
  })

  it('reports a photo that kills two workers, and goes on with the others', async () => {
    const { started, pool } = workshop({ atOnce: true })
    await using one = await pool(1, 2)
    const seen = []
    for await (const outcome of one.detectAll([photo(1), photo(2, KILLS), photo(3)])) {
      seen.push('error' in outcome ? outcome.error.message : outcome.result.width)
    }
    expect(seen).toEqual([1, 'Two workers died over this photo, the second one so: worker 1 stopped', 3])
    expect(started.map(({ worker }) => worker)).toEqual([0, 0, 1, 2])
  })

  it('gives up what waits when it is aborted, in every place', async () => {
    const { started, pool } = workshop()
    await using one = await pool(1, 1)
    const controller = new AbortController()
    const { signal } = controller
    const calls = [1, 2, 3, 4].map((number) => errorOf(one.detect(photo(number), { signal })))
    while (started.length < 1) await settle()
    controller.abort(new Error('enough'))
    for (const call of calls) expect(await call).toMatch(/^ABORTED: /)
    expect(started.length).toBe(1)
    // All places are free again.
    const later = [5, 6, 7].map((number) => one.detect(photo(number)))
    for (let i = 1; i <= 3; i++) {
      while (started.length <= i) await settle()
      started[i]?.finish()
    }
    expect((await Promise.all(later)).length).toBe(3)
  })

  it('ends a loop over photos that do not come when it is aborted', async () => {
    const { pool } = workshop({ atOnce: true })
    await using one = await pool(1, 1)
    const controller = new AbortController()
    async function* photos(): AsyncGenerator<RawImage> {
      yield photo(1)
      await new Promise(() => {})
    }
    const outcomes = one.detectAll(photos(), { signal: controller.signal })
    expect((await outcomes.next()).value).toMatchObject({ index: 0 })
    const next = errorOf(outcomes.next())
    controller.abort()
    expect(await next).toMatch(/^ABORTED: /)
    expect(await errorOf(one.detectAll([photo(1)], { signal: controller.signal }).next())).toMatch(/^ABORTED: /)
  })

  it('gives what came before a failure of the source, then the failure', async () => {
    const { pool } = workshop({ atOnce: true })
    await using one = await pool(2, 4)
    function* photos(): Generator<RawImage> {
      yield photo(1)
      yield photo(2)
      throw new VertebraError('DATA_INVALID', 'no more')
    }
    const outcomes = one.detectAll(photos())
    expect((await outcomes.next()).value).toMatchObject({ index: 0 })
    expect((await outcomes.next()).value).toMatchObject({ index: 1 })
    expect(await errorOf(outcomes.next())).toBe('DATA_INVALID: no more')
  })

  it('lets photos in the networks end when it is disposed, and refuses the rest', async () => {
    const { started, disposed, pool } = workshop()
    const two = await pool(2, 1)
    const calls = [1, 2, 3, 4].map((number) => errorOf(two.detect(photo(number))))
    while (started.length < 2) await settle()
    const end = two.dispose()
    expect(two.dispose()).toBe(end)
    expect(await Promise.all(calls.slice(2))).toEqual([
      expect.stringMatching(/^DISPOSED/),
      expect.stringMatching(/^DISPOSED/),
    ])
    expect(disposed).toEqual([])
    for (const { finish } of started) finish()
    await end
    expect(await Promise.all(calls.slice(0, 2))).toEqual(['no error', 'no error'])
    expect(disposed).toEqual([0, 1])
    expect(await errorOf(two.detect(photo(1)))).toMatch(/^DISPOSED: This pool/)
    expect(await errorOf(two.detectAll([photo(1)]).next())).toMatch(/^DISPOSED/)
  })

  it('refuses a wrong option at once', async () => {
    const { started, pool } = workshop({ atOnce: true })
    await using one = await pool(1, 1)
    expect(await errorOf(one.detectAll([photo(1)], { classes: ['bird'] }).next())).toMatch(/^INVALID_ARGUMENT/)
    expect(await errorOf(one.detect(photo(1), { classes: ['bird'] }))).toMatch(/^INVALID_ARGUMENT/)
    expect(started.length).toBe(0)
  })
})
