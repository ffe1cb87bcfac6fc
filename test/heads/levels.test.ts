import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assignLevels, groupByLevel, restoreOrder } from '../../src/heads/levels.ts'
import { floats, integers, randomBoxes, readFixture } from '../boxes/noise.ts'

const reference = readFixture<{ sides: string; sideLevels: string; boxLevels: string }>('boxes/boxes.json')

describe('RoI levels', () => {
  test('equal torchvision LevelMapper, at the borders too', () => {
    const roi = { levels: ['p3', 'p4', 'p5'], canonicalScale: 224, canonicalLevel: 4, minLevel: 3 }
    const squares = Float32Array.from([...floats(reference.sides)].flatMap((side) => [0, 0, side, side]))
    expect([...assignLevels(squares, roi)]).toEqual(integers(reference.sideLevels))

    const finer = { levels: ['p2', 'p3', 'p4', 'p5'], canonicalScale: 100, canonicalLevel: 4, minLevel: 2 }
    const boxes = randomBoxes(1, 400, 300, 200, 5, 120).map((value) => Math.max(value, 0))
    expect([...assignLevels(boxes, finer)]).toEqual(integers(reference.boxLevels))
  })

  test('grouping is stable, and rows go back where they came from', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3)), (list) => {
        const boxes = Float32Array.from(list.flatMap((_, i) => [i, i, i + 1, i + 1]))
        const groups = groupByLevel(boxes, Uint8Array.from(list), 4)
        expect(groups.counts).toEqual([0, 1, 2, 3].map((level) => list.filter((l) => l === level).length))
        expect([...groups.order]).toEqual([...list.keys()].sort((a, b) => (list[a] ?? 0) - (list[b] ?? 0) || a - b))
        expect([...groups.boxes.filter((_, i) => i % 4 === 0)]).toEqual([...groups.order])
        expect(restoreOrder(groups.boxes, groups.order)).toEqual(boxes)
      }),
    )
  })

  test('wrong arguments are refused', () => {
    expect(() => groupByLevel(new Float32Array(8), Uint8Array.of(0), 3)).toThrow('Expected 2 levels')
    expect(() => groupByLevel(new Float32Array(4), Uint8Array.of(3), 3)).toThrow('Expected levels below 3')
    expect(() => restoreOrder(new Float32Array(5), Uint32Array.of(0, 1))).toThrow('a multiple of 2 numbers for rows')
  })
})
