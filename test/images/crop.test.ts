import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { drawHeatMap } from '../../src/draw/heat-map.ts'
import type { InputSpec } from '../../src/images/input-spec.ts'
import { inputTensor } from '../../src/images/normalise.ts'
import { planInput } from '../../src/images/target-size.ts'
import { fixture, floats, largestDifference, pixelsOf } from './fixtures.ts'

function cropSpec(size: number, width: number, height: number): InputSpec {
  return {
    channels: 'rgb',
    mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
    std: [0.229 * 255, 0.224 * 255, 0.225 * 255],
    resize: { rule: 'crop', size, width, height, filter: 'antialias', output: 'uint8' },
    padMultiple: 1,
  }
}

// Expectations from torchvision's Resize and CenterCrop: test/reference/classification.py.
describe('the rule crop', () => {
  it('gives the sizes and offsets of torchvision', async () => {
    const rows: number[][] = JSON.parse(await readFile(fixture('crop-sizes.json'), 'utf8'))
    expect(rows.length).toBe(270)
    for (const [width = 0, height = 0, size = 0, inputWidth = 0, inputHeight = 0, ...expected] of rows) {
      const placement = planInput(cropSpec(size, inputWidth, inputHeight), width, height)
      expect(placement).toMatchObject({ width, height, inputWidth, inputHeight, paddedWidth: inputWidth })
      const { cut } = placement
      expect([width, height, cut?.width, cut?.height, cut?.left, cut?.top]).toEqual([width, height, ...expected])
      expect(placement.scaleX).toBe((cut?.width ?? 0) / width)
    }
  })

  it.each([
    [30, 28, 24],
    [100, 40, 48],
  ])('gives the tensor of torchvision for size %i', async (size, width, height) => {
    const { data, dims } = inputTensor(cropSpec(size, width, height), [await pixelsOf('photo.png')])
    expect(dims).toEqual([1, 3, height, width])
    expect(largestDifference(data, await floats(`tensor-crop-${size}.f32`))).toBeLessThan(1e-6)
  })

  it('refuses a strip that would become too long', () => {
    expect(() => planInput(cropSpec(256, 224, 224), 1, 257)).toThrow('at most 65536 pixels along a side')
    expect(planInput(cropSpec(256, 224, 224), 1, 256).cut?.height).toBe(65_536)
  })

  it('a heat map lies on the part that was taken, and leaves the rest of the photo', () => {
    const photo = { width: 40, height: 20, data: new Uint8Array(40 * 20 * 3).fill(100) }
    const placement = planInput(cropSpec(20, 20, 20), 40, 20)
    // Left column of the map weak, right one strong: the middle of the photo, from x 10 to 30.
    const map = { channels: 1, height: 2, width: 2, data: Float32Array.of(1, 2, 1, 2) }
    const { data } = drawHeatMap(photo, map, { placement, opacity: 1 })
    const pixel = (x: number): number[] => [...data.slice((5 * 40 + x) * 3, (5 * 40 + x) * 3 + 3)]
    expect([pixel(9), pixel(30)]).toEqual([
      [100, 100, 100],
      [100, 100, 100],
    ])
    expect(Math.max(...pixel(10))).toBeLessThan(Math.max(...pixel(29)))
    expect(pixel(10)).not.toEqual([100, 100, 100])
  })
})
