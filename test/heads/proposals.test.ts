import { describe, expect, test } from 'vitest'
import type { Size } from '../../src/boxes/boxes.ts'
import { LOG_1000_16 } from '../../src/boxes/coder.ts'
import { type ProposalOptions, type RpnLevelOutput, selectProposals } from '../../src/heads/proposals.ts'
import { FIRST_DETECTOR } from '../boxes/first-detector.ts'
import { floats, largestDifference, readFixture, spread } from '../boxes/noise.ts'

interface Case {
  readonly name: string
  readonly padded: readonly [number, number]
  readonly grids: readonly (readonly [number, number])[]
  readonly sizes: readonly (readonly [number, number])[]
  readonly options: Pick<ProposalOptions, 'preNmsTopN' | 'postNmsTopN' | 'minSize' | 'scoreThreshold'>
  readonly step: number
  readonly wild: boolean
  readonly expected: readonly { boxes: string; scores: string }[]
}
const { cases } = readFixture<{ cases: readonly Case[] }>('heads/proposals.json')

const rules = { nmsThreshold: 0.7, boxCoder: { weights: [1, 1, 1, 1], clamp: LOG_1000_16 } } as const
const size = ([width, height]: readonly [number, number]): Size => ({ width, height })

function outputs({ grids, sizes, step, wild }: Case): RpnLevelOutput[] {
  return grids.map(([width, height], level) => {
    const count = sizes.length * 6 * width * height
    const objectness = spread(10 + level, count, 8, step)
    const deltas = spread(20 + level, count * 4, 0.8)
    if (wild) {
      for (let i = 0; i < deltas.length; i += 7) deltas[i] = (deltas[i] as number) * 300
      for (let i = 5; i < deltas.length; i += 41) deltas[i] = Number.NaN
      for (let i = 6; i < deltas.length; i += 97) deltas[i] = Number.POSITIVE_INFINITY
      for (let i = 3; i < objectness.length; i += 19) objectness[i] = Number.NaN
    }
    return { objectness, deltas, width, height }
  })
}

describe('selectProposals', () => {
  test.each(cases)('equals torchvision: $name', (one) => {
    const levels = outputs(one)
    one.sizes.forEach((imageSize, image) => {
      const options = { ...rules, ...one.options }
      const result = selectProposals(levels, image, size(imageSize), size(one.padded), FIRST_DETECTOR, options)
      const expected = one.expected[image] as Case['expected'][number]
      expect(result.scores.length).toBeGreaterThan(20)
      expect(largestDifference(result.scores, floats(expected.scores))).toBeLessThan(1e-6)
      expect(largestDifference(result.boxes, floats(expected.boxes))).toBeLessThan(1e-3)
    })
  })

  test('nothing is kept of outputs that are all NaN', () => {
    const one = cases[1] as Case
    const levels = outputs(one).map((level) => ({ ...level, objectness: level.objectness.fill(Number.NaN) }))
    const result = selectProposals(levels, 0, size([80, 60]), size([80, 64]), FIRST_DETECTOR, {
      ...rules,
      ...one.options,
    })
    expect(result.boxes.length).toBe(0)
  })

  test('outputs of a wrong shape are refused', () => {
    const one = cases[1] as Case
    const levels = outputs(one)
    const select =
      (changed: RpnLevelOutput[], image = 0) =>
      () =>
        selectProposals(changed, image, size([80, 60]), size([80, 64]), FIRST_DETECTOR, { ...rules, ...one.options })
    const [first, ...rest] = levels as [RpnLevelOutput, ...RpnLevelOutput[]]
    expect(select(rest)).toThrow('Expected 4 RPN outputs, one per anchor level, for levels but received 3.')
    expect(select([{ ...first, width: 11 }, ...rest])).toThrow('objectness of RPN level p3')
    expect(select([{ ...first, deltas: first.deltas.subarray(4) }, ...rest])).toThrow('deltas of RPN level p3')
    expect(select(levels, 1)).toThrow('Expected an index below 1 for image but received 1.')
    expect(select([{ ...first, width: 0, objectness: new Float32Array(0) }, ...rest])).toThrow('RPN level p3')
  })
})
