import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { InputSpec } from '../../src/images/input-spec.ts'
import { inputTensor, writeInput } from '../../src/images/normalise.ts'
import { planInput, targetSize } from '../../src/images/target-size.ts'
import { fixture, floats, largestDifference, pixelsOf } from './fixtures.ts'

const longer40: InputSpec = {
  channels: 'rgb',
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
  resize: { rule: 'longer', size: 40, rounding: 'half-up', filter: 'antialias', output: 'uint8' },
  padMultiple: 32,
}

describe('target size', () => {
  test('equals torchvision, Detectron2 and the longer rule on 158 photos', async () => {
    const rows: { photo: [number, number]; torchvision: number[]; detectron2: number[]; longer: number[] }[] =
      JSON.parse(await readFile(fixture('sizes.json'), 'utf8'))
    expect(rows.length).toBe(158)
    for (const { photo, torchvision, detectron2, longer } of rows) {
      const sizes = [
        targetSize({ rule: 'shorter', size: 80, max: 133, rounding: 'floor' }, ...photo),
        targetSize({ rule: 'shorter', size: 800, max: 1333, rounding: 'half-up' }, ...photo),
        targetSize({ rule: 'longer', size: 480, rounding: 'half-up' }, ...photo),
      ].map(({ width, height }) => [width, height])
      expect({ photo, sizes }).toEqual({ photo, sizes: [torchvision, detectron2, longer] })
    }
  })

  test('ties', () => {
    expect(targetSize({ rule: 'longer', size: 5, rounding: 'half-up' }, 10, 5)).toEqual({ width: 5, height: 3 })
    expect(targetSize({ rule: 'longer', size: 5, rounding: 'nearest' }, 10, 5)).toEqual({ width: 5, height: 2 })
    expect(targetSize({ rule: 'longer', size: 7, rounding: 'nearest' }, 14, 7)).toEqual({ width: 7, height: 4 })
    expect(targetSize({ rule: 'longer', size: 5, rounding: 'floor' }, 10, 5)).toEqual({ width: 5, height: 2 })
  })

  test('extreme aspect ratios keep a pixel', () => {
    expect(targetSize({ rule: 'longer', size: 480, rounding: 'half-up' }, 10_000, 1)).toEqual({ width: 480, height: 1 })
    expect(targetSize({ rule: 'shorter', size: 800, max: 1333, rounding: 'floor' }, 1, 9999)).toEqual({
      width: 1,
      height: 1333,
    })
    expect(targetSize({ rule: 'exact', width: 3, height: 4 }, 100, 1)).toEqual({ width: 3, height: 4 })
  })

  test('placement of a photo', () => {
    expect(planInput(longer40, 97, 73)).toEqual({
      width: 97,
      height: 73,
      scaleX: 40 / 97,
      scaleY: 30 / 73,
      inputWidth: 40,
      inputHeight: 30,
      paddedWidth: 64,
      paddedHeight: 32,
    })
    expect(() => planInput(longer40, 0, 5)).toThrow(
      'Expected a whole number of pixels from 1 up for width but received 0.',
    )
  })
})

describe('input tensor', () => {
  test('equals the reference of the first detector', async () => {
    const { data, dims } = inputTensor(longer40, [await pixelsOf('photo.png')])
    expect(dims).toEqual([1, 3, 32, 64])
    expect(largestDifference(data, await floats('tensor-longer40.f32'))).toBeLessThan(2e-7)
  })

  test('equals torchvision, which normalises before it resizes', async () => {
    const spec: InputSpec = {
      channels: 'rgb',
      mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
      std: [0.229 * 255, 0.224 * 255, 0.225 * 255],
      resize: { rule: 'shorter', size: 30, max: 50, rounding: 'floor', filter: 'bilinear', output: 'float32' },
      padMultiple: 32,
    }
    const { data } = inputTensor(spec, [await pixelsOf('photo.png')])
    expect(largestDifference(data, await floats('tensor-torchvision.f32'))).toBeLessThan(5e-5)
  })

  test('channel order, mean and std by hand', () => {
    const spec: InputSpec = {
      channels: 'bgr',
      mean: [1, 2, 3],
      std: [1, 2, 4],
      resize: { rule: 'exact', width: 2, height: 1, filter: 'antialias', output: 'uint8' },
      padMultiple: 3,
    }
    const { data, dims } = inputTensor(spec, [{ width: 2, height: 1, data: Uint8Array.of(10, 20, 30, 40, 50, 60) }])
    expect(dims).toEqual([1, 3, 3, 3])
    const plane = (first: number, second: number): number[] => [first, second, 0, 0, 0, 0, 0, 0, 0]
    expect([...data]).toEqual([...plane(29, 59), ...plane(9, 24), ...plane(7 / 4, 37 / 4)])
  })

  test('a batch holds each photo as it is alone, with 0 around', async () => {
    const photo = await pixelsOf('photo.png')
    const tall = { width: 10, height: 40, data: new Uint8Array(1200).fill(200) }
    const batch = inputTensor(longer40, [photo, tall])
    expect(batch.dims).toEqual([2, 3, 64, 64])
    const alone = inputTensor(longer40, [photo]).data
    for (let c = 0; c < 3; c++) {
      expect(batch.data.subarray(c * 4096, c * 4096 + 2048)).toEqual(alone.subarray(c * 2048, (c + 1) * 2048))
      expect(batch.data.subarray(c * 4096 + 2048, (c + 1) * 4096).every((value) => value === 0)).toBe(true)
    }
    const second = batch.data.subarray(3 * 4096, 4 * 4096)
    const set = [...second.keys()].filter((i) => second[i] !== 0)
    expect(set.length).toBe(400)
    expect(set.every((i) => i % 64 < 10 && i < 40 * 64)).toBe(true)
  })

  test('what the tensor held before is gone, and nothing else is touched', async () => {
    const photo = await pixelsOf('photo.png')
    const placement = planInput(longer40, photo.width, photo.height)
    const clean = new Float32Array(3 * 64 * 70)
    const used = new Float32Array(3 * 3 * 64 * 70).fill(7)
    writeInput(longer40, photo, placement, clean, { width: 70, height: 64 })
    writeInput(longer40, photo, placement, used, { width: 70, height: 64 }, 1)
    expect(used.subarray(3 * 64 * 70, 6 * 64 * 70)).toEqual(clean)
    expect(used.subarray(0, 3 * 64 * 70).every((value) => value === 7)).toBe(true)
    expect(used.subarray(6 * 64 * 70).every((value) => value === 7)).toBe(true)
  })

  test('what does not fit is refused', async () => {
    const photo = await pixelsOf('photo.png')
    const placement = planInput(longer40, photo.width, photo.height)
    const target = new Float32Array(3 * 64 * 32)
    const plane = { width: 64, height: 32 }
    expect(() => inputTensor(longer40, [])).toThrow('at least one picture')
    expect(() => writeInput(longer40, photo, placement, target, plane, 1)).toThrow('at least 12288 numbers')
    expect(() => writeInput(longer40, photo, placement, target, { width: 32, height: 32 })).toThrow('at least 40x30')
    expect(() => writeInput(longer40, photo, planInput(longer40, 9, 9), target, plane)).toThrow('of a 97x73 photo')
  })
})
