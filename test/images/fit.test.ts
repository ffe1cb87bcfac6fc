import { expect, it } from 'vitest'
import { type InputSpec, inputTensor } from '../../src/images/index.ts'
import { planInput } from '../../src/images/target-size.ts'

const spec = (resize: InputSpec['resize'], changes: Partial<InputSpec> = {}): InputSpec => ({
  channels: 'rgb',
  mean: [10, 10, 10],
  std: [2, 2, 2],
  padMultiple: 1,
  resize,
  ...changes,
})
const HOW = { filter: 'bilinear', output: 'uint8' } as const

it('"fit" makes a photo as large as fits, pads it to the size, and brings boxes back by one number', () => {
  const fit = spec({ rule: 'fit', width: 640, height: 640, ...HOW })
  expect(planInput(fit, 333, 500)).toMatchObject({
    inputWidth: 426,
    inputHeight: 640,
    paddedWidth: 640,
    paddedHeight: 640,
    scaleX: 1.28,
    scaleY: 1.28,
  })
  expect(planInput(fit, 6400, 3)).toMatchObject({ inputWidth: 640, inputHeight: 1, paddedHeight: 640, scaleY: 0.1 })
})

it('"none" leaves a photo its size', () => {
  const none = spec({ rule: 'none', ...HOW }, { padMultiple: 32 })
  expect(planInput(none, 333, 500)).toMatchObject({ inputWidth: 333, inputHeight: 500, paddedWidth: 352, scaleX: 1 })
})

it('padding has its level before normalising', () => {
  const photo = { width: 2, height: 1, data: new Uint8Array(6).fill(20) }
  const fit = { rule: 'fit', width: 3, height: 2, ...HOW } as const
  const { data } = inputTensor(spec(fit, { padLevel: 114 }), [photo])
  expect([...data.slice(0, 6)]).toEqual([5, 5, 5, 52, 52, 52])
  const narrow = { width: 1, height: 1, data: new Uint8Array(3).fill(20) }
  expect([...inputTensor(spec(fit, { padLevel: 114 }), [narrow]).data.slice(0, 6)]).toEqual([5, 5, 52, 5, 5, 52])
  expect([...inputTensor(spec(fit), [narrow]).data.slice(0, 6)]).toEqual([5, 5, 0, 5, 5, 0])
})
