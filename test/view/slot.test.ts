import { expect, test } from 'vitest'
import { createSlot } from '../../src/view/slot.ts'

test('one thing at a time: the same for the same key, closed for another', async () => {
  const closed: string[] = []
  const slot = createSlot<string>((value) => closed.push(value))
  const open = async (): Promise<string> => 'first'
  expect(await slot.get('a', open)).toBe('first')
  expect(await slot.get('a', async () => 'never opened')).toBe('first')
  expect(closed).toEqual([])
  expect(await slot.get('b', async () => 'second')).toBe('second')
  expect(closed).toEqual(['first'])
  slot.clear()
  slot.clear()
  await Promise.resolve()
  expect(closed).toEqual(['first', 'second'])
})

test('what opens after nobody wants it is told so, and closed', async () => {
  const closed: string[] = []
  const slot = createSlot<string>((value) => closed.push(value))
  let signal: AbortSignal | undefined
  let finish: (value: string) => void = () => undefined
  const opening = slot.get('a', (given) => {
    signal = given
    return new Promise((resolve) => {
      finish = resolve
    })
  })
  expect(signal?.aborted).toBe(false)
  slot.clear()
  expect(signal?.aborted).toBe(true)
  finish('late')
  expect(await opening).toBe('late')
  await Promise.resolve()
  expect(closed).toEqual(['late'])
})

test('a failure is not kept', async () => {
  const slot = createSlot<string>(() => undefined)
  await expect(slot.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await slot.get('a', async () => 'yes')).toBe('yes')
})
