import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { onAbort, untilAborted } from '../src/progress.ts'
import { errorOf } from './error-of.ts'

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

it('all who wait for a signal share one listener, which goes with the last of them', async () => {
  const { signal } = new AbortController()
  let finish = (): void => {}
  const work = new Promise<void>((resolve) => {
    finish = resolve
  })
  const calls = Array.from({ length: 20 }, () => untilAborted(work, signal))
  expect(listeners(signal)).toBe(1)
  finish()
  await Promise.all(calls)
  expect(listeners(signal)).toBe(0)
})

it('each is told once, but for those who no longer wait', () => {
  const controller = new AbortController()
  const told: string[] = []
  onAbort(controller.signal, () => told.push('first'))
  const unlisten = onAbort(controller.signal, () => told.push('second'))
  onAbort(controller.signal, () => told.push('third'))
  unlisten?.()
  controller.abort()
  expect(told).toEqual(['first', 'third'])
})

it('work goes on unheard once the signal has fired', async () => {
  const controller = new AbortController()
  const calls = [1, 2, 3].map(() => errorOf(untilAborted(new Promise(() => {}), controller.signal)))
  controller.abort()
  for (const call of calls) expect(await call).toMatch(/^ABORTED: /)
  expect(await errorOf(untilAborted(new Promise(() => {}), controller.signal))).toMatch(/^ABORTED: /)
})
