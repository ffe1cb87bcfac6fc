import { expect, it } from 'vitest'
import { LOG_1000_16 } from '../../src/boxes/coder.ts'
import { RefinedBoxes } from '../../src/heads/refined-boxes.ts'

const size = { width: 100, height: 80 }
const rules = { boxCoder: { weights: [10, 10, 5, 5], clamp: LOG_1000_16 }, classAgnostic: true, minSize: 0.01 } as const
const proposals = Float32Array.of(0, 0, 20, 20, 30, 0, 50, 20, 60, 0, 80, 20)

/** Logits of background and one class, and deltas that move a box of 20 pixels to the right. */
function pass(logits: readonly number[], pixels: readonly number[]) {
  return {
    logits: Float32Array.from(logits.flatMap((logit) => [0, logit])),
    deltas: Float32Array.from(pixels.flatMap((x) => [x / 2, 0, 0, 0])),
  }
}

it('refines what may be an object and leaves the rest as it is', () => {
  const boxes = new RefinedBoxes(proposals)
  boxes.add(pass([2, -9, 4], [10, 11, 12]))
  boxes.refine(size, { ...rules, refinementThreshold: 0.05 })
  expect(Array.from(boxes.boxes)).toEqual([10, 0, 30, 20, 72, 0, 92, 20])

  // The mean of the first box's logits is now that of background.
  boxes.add(pass([-20, 6], [1, 2]))
  boxes.refine(size, { ...rules, refinementThreshold: 0.05 })
  expect(Array.from(boxes.boxes)).toEqual([74, 0, 94, 20])

  boxes.add(pass([8], [3]))
  const { logits, deltas, proposals: last } = boxes.output()
  expect(Array.from(logits)).toEqual([0, -9, 0, -9, 0, 6])
  expect(Array.from(deltas).filter((_, i) => i % 4 === 0)).toEqual([0.5, 5.5, 1.5])
  expect(Array.from(last).filter((_, i) => i % 4 === 0)).toEqual([10, 30, 74])
})

it('goes on without a box that is worth it', () => {
  const boxes = new RefinedBoxes(proposals)
  boxes.add(pass([-9, -9, -9], [1, 1, 1]))
  boxes.refine(size, { ...rules, refinementThreshold: 0.05 })
  expect(boxes.boxes).toHaveLength(0)
  boxes.add({ logits: new Float32Array(0), deltas: new Float32Array(0) })
  boxes.refine(size, rules)
  expect(Array.from(boxes.output().logits)).toEqual([0, -9, 0, -9, 0, -9])
  expect(boxes.output().proposals).toEqual(proposals)
})

it('keeps a box of NaN logits, which post-processing leaves out', () => {
  const boxes = new RefinedBoxes(proposals)
  boxes.add(pass([Number.NaN, -9, 1], [1, 1, 1]))
  boxes.refine(size, { ...rules, refinementThreshold: 0.05 })
  expect(boxes.boxes).toHaveLength(8)
})

it('of no proposals makes none', () => {
  const boxes = new RefinedBoxes(new Float32Array(0))
  boxes.add({ logits: new Float32Array(0), deltas: new Float32Array(0) })
  boxes.refine(size, rules)
  expect(boxes.output().logits).toHaveLength(0)
})
