import { expect, it } from 'vitest'
import type { DetectorCore } from '../../src/detector/detector.ts'
import { createStopwatch } from '../../src/detector/stopwatch.ts'
import { unexpected } from '../../src/errors.ts'
import { type Progress, throwIfAborted } from '../../src/progress.ts'
import { loadRemotely } from '../../src/worker/remote-model.ts'
import { serveModel } from '../../src/worker/serve.ts'
import { errorOf } from '../error-of.ts'
import { tinyManifest } from '../tiny-model.ts'

const manifest = tinyManifest()
const device = { device: 'cpu', reason: 'a test' } as const

/** Messages that are cloned on their way, as between threads. */
function channel() {
  const heard = { here: [] as ((message: never) => void)[], there: [] as ((message: never) => void)[] }
  const deliver = (to: 'here' | 'there', message: unknown): void => {
    const copy: unknown = structuredClone(message)
    setTimeout(() => {
      for (const listener of heard[to]) listener(copy as never)
    })
  }
  const end = (own: 'here' | 'there', other: 'here' | 'there') => ({
    post: (message: unknown) => deliver(other, message),
    listen: (listener: (message: never) => void) => void heard[own].push(listener),
  })
  return {
    here: { ...end('here', 'there'), hold: (isBusy: boolean) => void holds.push(isBusy), close() {} },
    there: end('there', 'here'),
  }
}
let holds: boolean[] = []
/** Pictures whose form that goes over was freed on this side. */
let closed: number[] = []

/** A detector elsewhere; a picture is a number, how long it takes, and what it fails with when it is below 0. */
async function remote(onLoad?: (progress: Progress) => void) {
  holds = []
  closed = []
  const { here, there } = channel()
  const served: DetectorCore<number> = {
    manifest,
    device,
    precision: 'float16',
    runtime: 'none',
    async detectBatch(images, { signal, onProgress } = {}) {
      for (const image of images) {
        if (image === -1) throw unexpected('the picture', 'a number from 0 up', { image })
        if (image === -2) throw unexpected('the picture', 'a number from 0 up', () => image)
        for (let i = 0; i < image; i++) {
          await new Promise((resolve) => setTimeout(resolve))
          throwIfAborted(signal)
          onProgress?.({ phase: 'step', done: i })
        }
      }
      const { times } = createStopwatch()
      return images.map(() => ({ width: 1, height: 1, detections: [], device, precision: 'float32', times }))
    },
    extract: () => Promise.reject(new Error('not here')),
    dispose: async () => {},
  }
  serveModel(there, async (_model: string, { onProgress }) => {
    onProgress?.({ phase: 'load', done: 1 })
    return served
  })
  return loadRemotely(here, 'a model', { onProgress: onLoad }, async (image: number) => {
    await new Promise((resolve) => setTimeout(resolve))
    if (image === -3) throw unexpected('the picture', 'one that can be read', image)
    const bitmap = { width: 1, height: 1, close: () => void closed.push(image) }
    return { image, transfer: [bitmap] }
  })
}

it('ends the calls that run before it is disposed, also those whose picture is still coming', async () => {
  const model = await remote()
  const calls = [model.detectBatch([5]), model.detectBatch([1, 2])]
  await model.dispose()
  expect((await Promise.all(calls)).map((results) => results.length)).toEqual([1, 2])
  expect(await errorOf(model.detectBatch([]))).toMatch(/^DISPOSED/)
  expect(holds.at(-1)).toBe(false)
})

it('stops a call whose onProgress throws, with what it threw, and goes on', async () => {
  const model = await remote()
  const steps: number[] = []
  const enough = new Error('enough')
  const call = model.detectBatch([1000], {
    onProgress({ done }) {
      steps.push(done)
      if (done === 2) throw enough
    },
  })
  await expect(call).rejects.toBe(enough)
  expect(steps).toEqual([0, 1, 2])
  expect(holds.at(-1)).toBe(false)
  expect(await model.detectBatch([1])).toHaveLength(1)
  const loading = remote(() => {
    throw enough
  })
  await expect(loading).rejects.toBe(enough)
})

it('frees what was made of pictures that do not go over', async () => {
  const model = await remote()
  expect(await errorOf(model.detectBatch([7, 8, -3, 9]))).toMatch(/^INVALID_ARGUMENT/)
  expect(closed.splice(0)).toEqual([7, 8])
  const options = { signal: AbortSignal.abort() }
  expect(await errorOf(model.detectBatch([7], options))).toMatch(/^ABORTED/)
  expect(await errorOf(model.extract(8, options))).toMatch(/^ABORTED/)
  expect(closed).toEqual([7, 8])
})

it('says so when a picture or an option cannot go over, and waits for nothing', async () => {
  const model = await remote()
  const picture: unknown = () => {}
  expect(await errorOf(model.detectBatch([picture as number]))).toMatch(/^INVALID_ARGUMENT: .*cloned/)
  const label: unknown = () => {}
  expect(await errorOf(model.detectBatch([1], { classes: ['cat', label as string] }))).toMatch(
    /^INVALID_ARGUMENT: Expected labels of this model/,
  )
  expect(holds.at(-1)).toBe(false)
})

it('tells the precision of the last result, and the value of an error where it can', async () => {
  const model = await remote()
  expect(model.precision).toBe('float16')
  await model.detectBatch([1])
  expect(model.precision).toBe('float32')
  await expect(model.detectBatch([-1])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', value: { image: -1 } })
  await expect(model.detectBatch([-2])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', value: undefined })
})
