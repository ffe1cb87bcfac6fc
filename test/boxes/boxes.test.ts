import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boxAreas, clipBoxes, fromXYWH, scaleBoxes, toXYWH, type XYWH } from '../../src/boxes/boxes.ts'
import { decodeBoxes, encodeBoxes, LOG_1000_16 } from '../../src/boxes/coder.ts'
import { iou, iouMatrix, iouOneToMany } from '../../src/boxes/iou.ts'
import { floats, largestDifference, randomBoxes, readFixture, spread } from './noise.ts'

const reference = readFixture<{ iou: string; decoded: string; encoded: string }>('boxes/boxes.json')
const boxes = randomBoxes(1, 400, 300, 200, 5, 120)
const rows = (from: number, to: number) => boxes.subarray(from * 4, to * 4)

describe('boxes', () => {
  test('areas, clipping and scaling', () => {
    expect(boxAreas(Float32Array.of(0, 0, 4, 3, 5, 5, 2, 9))).toEqual(Float32Array.of(12, 0))
    const clipped = clipBoxes(Float32Array.of(-5, 2, 700, 490, 650, -9, 660, -1), { width: 640, height: 480 })
    expect(clipped).toEqual(Float32Array.of(0, 2, 640, 480, 640, 0, 640, 0))
    expect(scaleBoxes(Float32Array.of(1, 2, 3, 4), 2, 10)).toEqual(Float32Array.of(2, 20, 6, 40))
  })

  test('COCO form and back', () => {
    const corner = fc.integer({ min: -1000, max: 10_000 })
    fc.assert(
      fc.property(fc.array(fc.tuple(corner, corner, corner, corner)), (list) => {
        expect(toXYWH(fromXYWH(list as XYWH[]))).toEqual(list)
      }),
    )
  })

  test('a length that is not a multiple of four is refused', () => {
    expect(() => boxAreas(new Float32Array(6))).toThrow('Expected four numbers per box for boxes')
    expect(() => iouMatrix(boxes, new Float32Array(3))).toThrow('for b but received')
  })
})

describe('IoU', () => {
  test('equals torchvision.ops.box_iou', () => {
    expect(largestDifference(iouMatrix(rows(0, 20), rows(20, 40)), floats(reference.iou))).toBe(0)
  })

  test('touching, identical, empty and NaN boxes', () => {
    const some = Float32Array.of(0, 0, 2, 2, 2, 0, 4, 2, 1, 1, 1, 1, Number.NaN, 0, 2, 2)
    expect([...iouOneToMany(some, 0, some)]).toEqual([1, 0, 0, 0])
    expect(iou(some, 2, some, 2)).toBe(0)
  })
})

describe('box coder', () => {
  const coder = { weights: [10, 10, 5, 5], clamp: LOG_1000_16 } as const

  test('decodes like torchvision, also NaN, infinite and huge deltas', () => {
    const deltas = spread(5, 160, 3)
    deltas.fill(1000, 2, 4)
    deltas.fill(Number.NaN, 4, 8)
    deltas[8] = Number.POSITIVE_INFINITY
    const decoded = decodeBoxes(deltas, rows(0, 40), coder)
    expect(largestDifference(decoded, floats(reference.decoded))).toBeLessThan(1e-3)
    expect(decoded[0]).toBeGreaterThan(-5000)
  })

  test('encodes like torchvision', () => {
    const encoded = encodeBoxes(rows(40, 80), rows(0, 40), coder)
    expect(largestDifference(encoded, floats(reference.encoded))).toBeLessThan(1e-5)
  })

  test('decoding undoes encoding', () => {
    const decoded = decodeBoxes(encodeBoxes(rows(200, 300), rows(100, 200), coder), rows(100, 200), coder)
    expect(largestDifference(decoded, rows(200, 300))).toBeLessThan(1e-3)
  })

  test('lengths that do not fit are refused', () => {
    expect(() => decodeBoxes(new Float32Array(4), new Float32Array(8), coder)).toThrow('Expected 8 numbers for deltas')
    expect(() => encodeBoxes(new Float32Array(4), new Float32Array(8), coder)).toThrow('Expected 8 numbers for targets')
  })
})
