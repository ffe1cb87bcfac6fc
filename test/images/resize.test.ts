import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resampleRows } from '../../src/images/resample.ts'
import { resizeImage } from '../../src/images/resize.ts'
import { floats, largestDifference, pixelsOf } from './fixtures.ts'

describe('antialias', () => {
  test.each([
    [97, 73],
    [60, 45],
    [33, 20],
    [48, 73],
    [97, 36],
    [7, 5],
    [1, 1],
    [150, 113],
    [97, 100],
    [200, 31],
    [96, 72],
  ])('equals Pillow bit for bit at %ix%i', async (width, height) => {
    const resized = resizeImage(await pixelsOf('photo.png'), width, height, 'antialias')
    const expected = await pixelsOf(`pillow-${width}x${height}.png`)
    expect([resized.width, resized.height]).toEqual([expected.width, expected.height])
    expect(largestDifference(resized.data, expected.data)).toBe(0)
  })
})

describe.each(['bilinear', 'antialias'] as const)('%s in floats', (filter) => {
  test.each([
    [60, 45],
    [33, 20],
    [30, 90],
  ])('equals torch interpolate at %ix%i', async (width, height) => {
    const result = new Float32Array(width * height * 3)
    resampleRows(await pixelsOf('photo.png'), width, height, { filter, output: 'float32' }, (y, row) =>
      result.set(row, y * width * 3),
    )
    expect(largestDifference(result, await floats(`torch-${filter}-${width}x${height}.f32`))).toBeLessThan(1e-3)
  })
})

test('bilinear in levels is the float result rounded', async () => {
  const expected = Array.from(await floats('torch-bilinear-60x45.f32'), (value) => Math.floor(value + 0.5))
  const resized = resizeImage(await pixelsOf('photo.png'), 60, 45, 'bilinear')
  const differences = expected.filter((value, i) => value !== resized.data[i]).length
  expect(largestDifference(resized.data, expected)).toBeLessThanOrEqual(1)
  expect(differences).toBeLessThan(expected.length / 1000) // exact ties only
})

test('bilinear 2 to 4 pixels by hand', () => {
  const row = resizeImage({ width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 100, 200, 40) }, 4, 1, 'bilinear')
  expect([...row.data]).toEqual([0, 0, 0, 25, 50, 10, 75, 150, 30, 100, 200, 40])
})

test('the same size is a copy, not the same memory', () => {
  const image = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }
  const copy = resizeImage(image, 2, 1, 'antialias')
  expect(copy.data).toEqual(image.data)
  expect(copy.data.buffer).not.toBe(image.data.buffer)
})

const side = fc.integer({ min: 1, max: 40 })
const filters = fc.constantFrom('bilinear' as const, 'antialias' as const)

test('a constant picture stays constant', () => {
  fc.assert(
    fc.property(
      side,
      side,
      side,
      side,
      filters,
      fc.integer({ min: 0, max: 255 }),
      (w, h, width, height, filter, level) => {
        const image = { width: w, height: h, data: new Uint8Array(w * h * 3).fill(level) }
        const { data } = resizeImage(image, width, height, filter)
        expect(data.every((value) => value === level)).toBe(true)
      },
    ),
  )
})

test('the result stays within the range of the picture and mirrors with it', () => {
  fc.assert(
    fc.property(side, side, filters, fc.uint8Array({ minLength: 60, maxLength: 60 }), (width, height, filter, data) => {
      const image = { width: 5, height: 4, data }
      const mirrored = { ...image, data: mirror(data, 5) }
      const result = resizeImage(image, width, height, filter).data
      expect(Math.min(...result)).toBeGreaterThanOrEqual(Math.min(...data))
      expect(Math.max(...result)).toBeLessThanOrEqual(Math.max(...data))
      const back = mirror(resizeImage(mirrored, width, height, filter).data, width)
      expect(largestDifference(result, back)).toBeLessThanOrEqual(1)
    }),
  )
})

test('extreme strips neither overflow nor fail', () => {
  const strip = { width: 60_001, height: 1, data: new Uint8Array(60_001 * 3).fill(255) }
  expect([...resizeImage(strip, 1, 3, 'antialias').data]).toEqual(new Array(9).fill(255))
})

test('bad sizes and data are refused', () => {
  const image = { width: 2, height: 1, data: new Uint8Array(6) }
  expect(() => resizeImage(image, 0, 1, 'bilinear')).toThrow('Expected a whole number of pixels from 1 up for width')
  expect(() => resizeImage(image, 1, 1.5, 'bilinear')).toThrow('for height but received 1.5')
  expect(() => resizeImage({ ...image, height: 2 }, 1, 1, 'bilinear')).toThrow('Expected 2 * 2 * 3 bytes')
  const deep: unknown = new Uint16Array(6)
  expect(() => resizeImage({ ...image, data: deep as Uint8Array }, 1, 1, 'bilinear')).toThrow(
    'Expected 2 * 1 * 3 bytes',
  )
})

function mirror(data: ArrayLike<number>, width: number): Uint8Array {
  return Uint8Array.from(data, (_, i) => {
    const pixel = Math.floor(i / 3)
    const y = Math.floor(pixel / width)
    return data[(y * width + width - 1 - (pixel % width)) * 3 + (i % 3)] as number
  })
}
