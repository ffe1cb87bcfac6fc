import { describe, expect, it } from 'vitest'
import { withInputSize } from '../../src/images/input-size.ts'
import type { InputSpec, ResizeRule } from '../../src/images/input-spec.ts'
import { planInput } from '../../src/images/target-size.ts'
import { errorOf } from '../error-of.ts'

const refusal = (input: InputSpec, size: number): Promise<string> =>
  errorOf(Promise.resolve().then(() => withInputSize(input, size)))

function spec(rule: ResizeRule): InputSpec {
  return {
    channels: 'rgb',
    mean: [0, 0, 0],
    std: [1, 1, 1],
    resize: { ...rule, filter: 'antialias', output: 'uint8' },
    padMultiple: 32,
  }
}

describe('withInputSize', () => {
  it('changes the longer side', () => {
    const { inputWidth, inputHeight } = planInput(
      withInputSize(spec({ rule: 'longer', size: 512, rounding: 'nearest' }), 800),
      500,
      333,
    )
    expect([inputWidth, inputHeight]).toEqual([800, 533])
  })

  it('changes the shorter side, and its limit alike', () => {
    const { resize } = withInputSize(spec({ rule: 'shorter', size: 800, max: 1333, rounding: 'floor' }), 400)
    expect(resize).toMatchObject({ size: 400, max: 667 })
  })

  it('is refused where the size is fixed, or no size', async () => {
    const fixed: ResizeRule[] = [
      { rule: 'exact', width: 640, height: 640 },
      { rule: 'crop', size: 256, width: 224, height: 224 },
      { rule: 'fit', width: 416, height: 416 },
      { rule: 'none' },
    ]
    for (const rule of fixed) {
      expect(await refusal(spec(rule), 512)).toBe(
        `INVALID_ARGUMENT: Expected none, as the model's input has the rule "${rule.rule}" for inputSize but received 512.`,
      )
    }
    for (const size of [63, 4097, 100.5, Number.NaN]) {
      expect(await refusal(spec({ rule: 'longer', size: 512, rounding: 'nearest' }), size)).toMatch(
        /^INVALID_ARGUMENT: Expected a whole number of pixels from 64 to 4096 for inputSize but received/,
      )
    }
  })
})
