import { expect, test } from 'vitest'
import { drawHeatMap } from '../../src/draw/heat-map.ts'
import type { Placement } from '../../src/images/target-size.ts'

const photo = { width: 40, height: 20, data: new Uint8Array(40 * 20 * 3).fill(100) }

function luminance(data: ArrayLike<number>, x: number, y: number): number {
  const i = (y * 40 + x) * 3
  return (data[i] as number) * 0.21 + (data[i + 1] as number) * 0.72 + (data[i + 2] as number) * 0.07
}

test('the strongest cell is the lightest place of the picture', () => {
  const data = new Float32Array(2 * 4 * 8)
  data[4 + 8] = 5 // row 1, column 4
  data[32 + 4 + 8] = -7 // the other channel, of the other sign
  const { data: heat } = drawHeatMap(photo, { channels: 2, height: 4, width: 8, data }, { opacity: 1 })
  const place = (x: number, y: number): number => luminance(heat, x, y)
  expect(place(22, 7)).toBeGreaterThan(200)
  expect(place(2, 17)).toBeLessThan(40)
  expect(place(24, 9)).toBeLessThan(place(22, 7))
})

test('lightness rises evenly from the weakest to the strongest', () => {
  const data = Float32Array.from({ length: 40 }, (_, x) => x)
  const { data: heat } = drawHeatMap(photo, { channels: 1, height: 1, width: 40, data }, { opacity: 1 })
  for (let x = 1; x < 40; x++) expect(luminance(heat, x, 10)).toBeGreaterThanOrEqual(luminance(heat, x - 1, 10))
})

test('the padding of the input is cut off', () => {
  const placement: Placement = {
    width: 40,
    height: 20,
    scaleX: 1,
    scaleY: 1,
    inputWidth: 40,
    inputHeight: 20,
    paddedWidth: 80,
    paddedHeight: 40,
  }
  // Left half of the photo 1, right half 2; the padding is far stronger, and is neither shown nor counted.
  const data = Float32Array.from({ length: 32 }, (_, i) => (i % 8 >= 4 || i >= 16 ? 1000 : i % 8 >= 2 ? 2 : 1))
  const { data: heat } = drawHeatMap(photo, { channels: 1, height: 4, width: 8, data }, { placement, opacity: 1 })
  expect(luminance(heat, 2, 5)).toBeLessThan(40)
  expect(luminance(heat, 31, 5)).toBeGreaterThan(200)
})

test('opacity 0 is the photo; a silent map and one with NaN give a picture too', () => {
  const map = { channels: 1, height: 1, width: 2, data: Float32Array.of(Number.NaN, 1) }
  expect(drawHeatMap(photo, map, { opacity: 0 }).data).toEqual(photo.data)
  expect(luminance(drawHeatMap(photo, map, { opacity: 1 }).data, 0, 0)).toBeLessThan(40)
  const silent = drawHeatMap(photo, { ...map, data: new Float32Array(2) }, { opacity: 1 }).data
  expect(new Set(silent).size).toBeLessThanOrEqual(3)
})

test('what does not fit is refused', () => {
  const map = { channels: 1, height: 1, width: 2, data: new Float32Array(3) }
  expect(() => drawHeatMap(photo, map)).toThrow('Expected 1 * 1 * 2 numbers')
  expect(() => drawHeatMap(photo, { ...map, width: 3 }, { opacity: 2 })).toThrow('opacity')
  expect(() => drawHeatMap(photo, { channels: 0, height: 0, width: 0, data: new Float32Array(0) })).toThrow(
    'at least one',
  )
})
