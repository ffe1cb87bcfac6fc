import { expect, it } from 'vitest'
import { LOG_1000_16 } from '../../src/boxes/coder.ts'
import { refineProposals } from '../../src/heads/refine.ts'

const boxCoder = { weights: [10, 10, 5, 5], clamp: LOG_1000_16 } as const
const size = { width: 100, height: 80 }
const proposals = Float32Array.of(10, 10, 30, 50, 60, 20, 100, 60)
const agnostic = { boxCoder, classAgnostic: true, minSize: 0.01 }

it('moves each proposal to the box of its deltas and clips it to the image', () => {
  // dx 5 / 10 of 20 pixels; dw and dh are 0. The second box moves beyond the right side.
  const deltas = Float32Array.of(5, 0, 0, 0, 5, -2.5, 0, 0)
  const refined = refineProposals({ logits: new Float32Array(6), deltas, proposals }, size, agnostic)
  expect(Array.from(refined)).toEqual([20, 10, 40, 50, 80, 10, 100, 50])
})

it('takes the deltas of the likeliest class, never those of background', () => {
  const logits = Float32Array.of(9, 1, 2, 9, 3, 2)
  const deltas = new Float32Array(24)
  deltas[2 * 4] = 5 // row 0, class 2
  deltas[12 + 4] = -5 // row 1, class 1
  const refined = refineProposals({ logits, deltas, proposals }, size, { ...agnostic, classAgnostic: false })
  expect(Array.from(refined)).toEqual([20, 10, 40, 50, 40, 20, 80, 60])
})

it('leaves a proposal whose box is NaN or nothing as it is', () => {
  const deltas = Float32Array.of(Number.NaN, 0, 0, 0, 100, 0, 0, 0)
  const refined = refineProposals({ logits: new Float32Array(6), deltas, proposals }, size, agnostic)
  expect(refined).toEqual(proposals)
})

it('of no proposals makes none', () => {
  const none = new Float32Array(0)
  expect(refineProposals({ logits: none, deltas: none, proposals: none }, size, agnostic)).toHaveLength(0)
})
