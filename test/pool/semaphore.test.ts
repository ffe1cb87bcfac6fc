import { expect, it } from 'vitest'
import { createSemaphore } from '../../src/pool/semaphore.ts'
import { errorOf } from '../error-of.ts'

it('a place that comes free as a wait is aborted is the next one’s', async () => {
  const places = createSemaphore(1)
  await places.acquire()
  const controller = new AbortController()
  const second = errorOf(places.acquire(controller.signal))
  let entered = false
  const third = places.acquire().then(() => {
    entered = true
  })
  controller.abort()
  places.release()
  expect(await second).toMatch(/^ABORTED: /)
  await third
  expect(entered).toBe(true)
})
