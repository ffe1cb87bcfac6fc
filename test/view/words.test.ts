import { expect, test } from 'vitest'
import { VertebraError } from '../../src/errors.ts'
import { createDownloadTotal } from '../../src/view/download-total.ts'
import { bytesInWords, wordsFor } from '../../src/view/words.ts'

test('what went wrong, in words that help', () => {
  const gone = new VertebraError('DEVICE_UNAVAILABLE', 'The camera stopped.')
  expect(wordsFor(gone)).toBe('The camera stopped.')
  expect(wordsFor(new VertebraError('MODEL_NOT_FOUND', 'It is not there.'))).toBe(
    'The model was not found. It is not there.',
  )
  expect(wordsFor(new TypeError('odd'))).toBe('Something went wrong: odd')
})

test('bytes of several files add up', () => {
  const total = createDownloadTotal()
  expect(total.add({ phase: 'load', done: 1, total: 3, item: 'model.json' })).toBeUndefined()
  expect(total.add({ phase: 'download', done: 10, total: 40, item: 'a' })).toEqual({ done: 10, total: 40 })
  expect(total.add({ phase: 'download', done: 5, total: 60, item: 'b' })).toEqual({ done: 15, total: 100 })
  expect(total.add({ phase: 'download', done: 40, total: 40, item: 'a' })).toEqual({ done: 45, total: 100 })
  expect(bytesInWords(12_345_678, 47_811_926)).toBe('12.3 of 47.8 MB')
})
