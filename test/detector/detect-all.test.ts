import { createReadStream } from 'node:fs'
import { beforeAll, expect, it } from 'vitest'
import { detectAll } from '../../src/detector/detect-all.ts'
import type { Detector } from '../../src/detector/detector.ts'
import type { ImageInput } from '../../src/images/decode.node.ts'
import { loadDetector } from '../../src/load/node.ts'
import type { Progress } from '../../src/progress.ts'
import { errorOf } from '../error-of.ts'
import { testPhoto, tinyModelFolder } from '../tiny-model.ts'

let detector: Detector<ImageInput>
const photo = testPhoto(160, 120)

beforeAll(async () => {
  detector = await loadDetector(await tinyModelFolder(), { device: 'cpu' })
  return () => detector.dispose()
})

const inputs: ImageInput[] = [photo, 'no-such-file.jpg', testPhoto(160, 120, 5), testPhoto(90, 90, 6)]

it.each([1, 2, 4])('goes on after a failure, in batches of %i', async (batchSize) => {
  const seen: Progress[] = []
  const outcomes: string[] = []
  for await (const outcome of detectAll(detector, inputs, { batchSize, onProgress: (each) => seen.push(each) })) {
    outcomes.push('error' in outcome ? outcome.error.code : `${outcome.index}`)
  }
  expect(outcomes).toEqual(['0', 'IMAGE_NOT_FOUND', '2', '3'])
  expect(seen.at(-1)).toMatchObject({ phase: 'detect', done: 4, total: 4 })
})

it('loses no stream to a photo that spoils its batch', async () => {
  const stream = (): ImageInput => createReadStream('examples/photos/cat.jpg')
  const found: boolean[] = []
  for await (const outcome of detectAll(detector, [photo, stream(), 'no-such-file.jpg', stream()], {
    batchSize: 3,
  })) {
    found.push('result' in outcome)
  }
  expect(found).toEqual([true, true, false, true])
})

it('ends at an abort although no photo comes, and lets go of its source', async () => {
  const controller = new AbortController()
  let isClosed = false
  const next = (): Promise<IteratorResult<ImageInput>> => new Promise(() => {})
  const close = async (): Promise<IteratorResult<ImageInput>> => {
    isClosed = true
    return { done: true, value: undefined }
  }
  const waiting = { [Symbol.asyncIterator]: () => ({ next, return: close }) }
  const outcome = errorOf(detectAll(detector, waiting, { signal: controller.signal }).next())
  controller.abort()
  expect(await outcome).toMatch(/^ABORTED/)
  expect(isClosed).toBe(true)
})

it('ends at an abort, and at a wrong option', async () => {
  const controller = new AbortController()
  const seen: number[] = []
  const run = async (): Promise<void> => {
    for await (const { index } of detectAll(detector, inputs, { signal: controller.signal })) {
      seen.push(index)
      controller.abort()
    }
  }
  expect(await errorOf(run())).toMatch(/^ABORTED/)
  expect(seen).toEqual([0])
  const wrong = detectAll(detector, inputs, { classes: ['cow'] }).next()
  expect(await errorOf(wrong)).toMatch(/^INVALID_ARGUMENT/)
})
