import { describe, expect, test } from 'vitest'
import { type AnchorSpec, anchorStride, cellAnchors, gridAnchors } from '../../src/boxes/anchors.ts'
import { FIRST_DETECTOR } from './first-detector.ts'
import { floats, readFixture } from './noise.ts'

describe('anchors', () => {
  test('equal torchvision AnchorGenerator, strides from the grid', () => {
    const { padded, grids, anchors } = readFixture<{
      padded: [number, number]
      grids: [number, number][]
      anchors: string
    }>('boxes/anchors.json')
    const all = grids.flatMap(([width, height], level) => [
      ...gridAnchors(FIRST_DETECTOR, level, { width, height }, { width: padded[0], height: padded[1] }),
    ])
    expect(all).toEqual([...floats(anchors)])
  })

  test('equal the table of the Detectron2 anchor generator test', () => {
    const spec: AnchorSpec = {
      levels: [{ feature: 'c4', stride: 4, sizes: [32, 64] }],
      aspectRatios: [0.25, 1, 4],
      order: 'size-major',
      rounded: false,
      offset: 0,
      strideRule: 'exact',
    }
    const cell = [
      [-32, -8, 32, 8],
      [-16, -16, 16, 16],
      [-8, -32, 8, 32],
      [-64, -16, 64, 16],
      [-32, -32, 32, 32],
      [-16, -64, 16, 64],
    ]
    const shifted = cell.map(([x1 = 0, y1, x2 = 0, y2]) => [x1 + 4, y1, x2 + 4, y2])
    const grid = { width: 2, height: 1 }
    expect([...gridAnchors(spec, 0, grid, grid)]).toEqual([...cell, ...shifted].flat())
    const centred = gridAnchors({ ...spec, offset: 0.5 }, 0, grid, grid)
    expect([...centred.subarray(0, 4)]).toEqual([-30, -6, 34, 10])
  })

  test('halves are rounded to even, as torch.round does', () => {
    const anchors = cellAnchors({ sizes: [45, 181] }, { ...FIRST_DETECTOR, aspectRatios: [1] })
    expect([...anchors]).toEqual([-22, -22, 22, 22, -90, -90, 90, 90])
  })

  test('strides by either rule', () => {
    const grid = { width: 8, height: 6 }
    const padded = { width: 480, height: 384 }
    expect(anchorStride({ stride: 64 }, 'from-grid', grid, padded)).toEqual({ x: 60, y: 64 })
    expect(anchorStride({ stride: 64 }, 'exact', grid, padded)).toEqual({ x: 64, y: 64 })
    expect(() => anchorStride({ stride: 64 }, 'exact', { width: 0, height: 1 }, padded)).toThrow('at least one cell')
    expect(() => gridAnchors(FIRST_DETECTOR, 4, grid, padded)).toThrow('Expected an index below 4 for level')
  })
})
