import { describe, expect, it } from 'vitest'
import { decodeBoxes, encodeBoxes, iou, nms, softNms } from '../../src/boxes/index.ts'

/** Ten pixels wide and five high: x from 2 to 11, y from 3 to 7. */
const BOX = Float32Array.of(2, 3, 11, 7)
const coder = { weights: [1, 1, 1, 1], clamp: 4 } as const

describe('corners that name pixels', () => {
  it('count the last pixel: nothing moves with deltas of 0, but for the one pixel of the Caffe code', () => {
    const still = new Float32Array(4)
    expect([...decodeBoxes(still, BOX, { ...coder, corners: 'pixels' })]).toEqual([...BOX])
    expect([...decodeBoxes(still, BOX, { ...coder, corners: 'pixels-caffe' })]).toEqual([2, 3, 12, 8])
    expect([...decodeBoxes(still, BOX, { ...coder, corners: 'edges' })]).toEqual([...BOX])
  })

  it('move and stretch by sides of one pixel more', () => {
    const deltas = Float32Array.of(0.5, 0.2, Math.log(2), 0)
    // Centre 2 + 10 / 2 + 0.5 * 10 = 12, 20 wide; 3 + 5 / 2 + 0.2 * 5 = 6.5, 5 high.
    const decoded = decodeBoxes(deltas, BOX, { ...coder, corners: 'pixels' })
    expect([...decoded].map((value) => Number(value.toFixed(4)))).toEqual([2, 4, 21, 8])
    const encoded = encodeBoxes(decoded, BOX, { ...coder, corners: 'pixels' })
    for (const [i, delta] of deltas.entries()) expect(encoded[i]).toBeCloseTo(delta, 5)
  })

  it('overlap where edges only touch', () => {
    const other = Float32Array.of(11, 3, 20, 7)
    expect(iou(BOX, 0, other, 0)).toBe(0)
    // One column of 5 pixels in common of 50 + 50 - 5.
    expect(iou(BOX, 0, other, 0, 'pixels')).toBeCloseTo(5 / 95, 6)
    expect(iou(BOX, 0, other, 0, 'pixels-caffe')).toBeCloseTo(5 / 95, 6)
    const both = Float32Array.of(...BOX, ...other)
    const scores = Float32Array.of(0.9, 0.8)
    expect([...nms(both, scores, 0.05)]).toEqual([0, 1])
    expect([...nms(both, scores, 0.05, { corners: 'pixels' })]).toEqual([0])
    const soft = softNms(both, scores, { kind: 'linear', iouThreshold: 0.05, corners: 'pixels' })
    expect(soft.scores[1]).toBeCloseTo(0.8 * (1 - 5 / 95), 6)
  })
})
