import { describe, expect, it } from 'vitest'
import type { AnchorSpec } from '../../src/boxes/anchors.ts'
import { assignLevels } from '../../src/heads/levels.ts'
import { type HeadOutput, type PostprocessOptions, postprocess } from '../../src/heads/postprocess.ts'
import { type ProposalOptions, selectProposals } from '../../src/heads/proposals.ts'

const anchors: AnchorSpec = {
  levels: [
    {
      feature: 'c4',
      stride: 16,
      sizes: [16, 32],
      boxes: [
        [-4, -4, 11, 11],
        [0, 0, 39, 19],
      ],
    },
  ],
  aspectRatios: [1],
  order: 'ratio-major',
  rounded: true,
  offset: 0,
  strideRule: 'exact',
}
const rules: ProposalOptions = {
  preNmsTopN: 10,
  postNmsTopN: 10,
  nmsThreshold: 1,
  minSize: 0,
  scoreThreshold: 0,
  boxCoder: { weights: [1, 1, 1, 1], clamp: 4, corners: 'pixels' },
}
const size = { width: 30, height: 16 }
const padded = { width: 32, height: 32 }

/** One cell, so that the proposals are its anchors. */
function proposals(options: Partial<ProposalOptions>, scale?: number): number[][] {
  const output = { objectness: Float32Array.of(2, 1), deltas: new Float32Array(8), width: 1, height: 1 }
  const { boxes } = selectProposals([output], 0, size, padded, anchors, { ...rules, ...options }, scale)
  return Array.from({ length: boxes.length / 4 }, (_, i) => [...boxes.subarray(i * 4, i * 4 + 4)])
}

describe('proposals', () => {
  it('start from the given anchors and end at the last pixel', () => {
    expect(proposals({})).toEqual([
      [0, 0, 11, 11],
      [0, 0, 29, 15],
    ])
  })

  it('may reach into the padding', () => {
    expect(proposals({ clipTo: 'padded' })[1]).toEqual([0, 0, 31, 19])
  })

  it('count pixels for the smallest side, of the input or of the photo', () => {
    expect(proposals({ minSize: 12 })).toHaveLength(2)
    expect(proposals({ minSize: 12.5 })).toHaveLength(1)
    expect(proposals({ minSize: 6, minSizeOf: 'photo' }, 2)).toHaveLength(2)
    expect(proposals({ minSize: 6.5, minSizeOf: 'photo' }, 2)).toHaveLength(1)
    expect(proposals({ minSize: 6.5 }, 2)).toHaveLength(2)
  })
})

describe('postprocess', () => {
  const head: HeadOutput = {
    proposals: Float32Array.of(4, 4, 19, 11),
    logits: Float32Array.of(0, 5),
    deltas: new Float32Array(8),
    objectness: Float32Array.of(1),
  }
  const options: PostprocessOptions = {
    boxCoder: { weights: [10, 10, 5, 5], clamp: 4, corners: 'pixels-caffe' },
    classAgnostic: false,
    scoreThreshold: 0.05,
    nms: { kind: 'per-class', iouThreshold: 0.3 },
    minSize: 0,
    maxDetections: 10,
  }
  const photo = { width: 60, height: 32 }
  const boxOf = (toPhoto: PostprocessOptions['toPhoto'], of = photo): number[] => [
    ...postprocess(head, size, of, { ...options, toPhoto }).boxes,
  ]

  it('decodes where it is told, and gives edges', () => {
    // In the input: 4 to 20 in x, 4 to 12 in y, one pixel too far as Caffe's code does.
    expect(boxOf('after-nms')).toEqual([8, 8, 41, 25])
    expect(boxOf('before-nms')).toEqual([8, 8, 41, 25])
    // In the photo: 8 to 39, 32 with its last pixel... so 31 + 1 wide from 8, then the edge.
    expect(boxOf('before-decoding')).toEqual([8, 8, 40, 24])
  })

  it('takes the scale it is given', () => {
    expect(boxOf('after-nms', Object.assign({ scaleX: 0.25, scaleY: 0.25 }, photo))).toEqual([16, 16, 60, 32])
  })

  it('does not pass the border of the photo', () => {
    const wide = { ...head, proposals: Float32Array.of(4, 4, 29, 15) }
    for (const toPhoto of ['after-nms', 'before-decoding'] as const) {
      const { boxes } = postprocess(wide, size, photo, { ...options, toPhoto })
      expect(boxes[2]).toBeLessThanOrEqual(60)
      expect(boxes[3]).toBeLessThanOrEqual(32)
    }
  })
})

it('the level of a box counts its last pixel', () => {
  const roi = { levels: ['p4', 'p5'], canonicalScale: 224, canonicalLevel: 5, minLevel: 4 }
  const box = Float32Array.of(0, 0, 223, 223)
  expect([...assignLevels(box, roi)]).toEqual([0])
  expect([...assignLevels(box, { ...roi, corners: 'pixels' })]).toEqual([1])
})
