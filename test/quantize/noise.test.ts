import { expect, it } from 'vitest'
import { Noise, OutputNoise } from '../../src/quantize/noise.ts'

const map = (...values: number[]) => ({ dims: [values.length], data: Float32Array.from(values) })

it('is the mean over the outputs of noise by signal', () => {
  const noise = new OutputNoise()
  noise.add(['a', 'b'], { a: map(3, 4), b: map(2, 0) }, { a: map(3, 4), b: map(1, 0) })
  expect(noise.ratio).toBe((0 + 1 / 4) / 2)
  expect(noise.outputs.get('a')?.decibels).toBeNull()
  expect(noise.outputs.get('b')?.decibels).toBeCloseTo(10 * Math.log10(4), 12)
})

it('leaves out an output that is 0 in float32, by which no noise can be measured', () => {
  const noise = new OutputNoise()
  noise.add(['a', 'silent'], { a: map(2), silent: map(0, 0) }, { a: map(1), silent: map(0.1, 0) })
  expect(noise.ratio).toBe(1 / 4)
  expect(noise.outputs.get('silent')?.decibels).toBeNull()
  expect(new Noise().ratio).toBe(0)
})
