import { expect, it } from 'vitest'

interface Judgement {
  readonly rows: readonly (readonly (string | number)[])[]
  readonly problems: readonly string[]
}

type Judge = (
  measured: Readonly<Record<string, number>>,
  stored: Readonly<Record<string, { readonly ratio: number; readonly tolerance: number }>>,
) => Judgement

const { judgeRatios }: { judgeRatios: Judge } = await import(
  new URL('../../bench/guard-ratios.mjs', import.meta.url).href
)

const stored = { a: { ratio: 1, tolerance: 0.15 } }

it('passes what is as good as it was, within the tolerance', () => {
  expect(judgeRatios({ a: 1.14 }, stored)).toEqual({ rows: [['a', 1, '1.1400', '1.1500', '']], problems: [] })
})

it.each([1.16, Number.NaN])('fails a ratio of %d as worse', (ratio) => {
  const { rows, problems } = judgeRatios({ a: ratio }, stored)
  expect(rows[0]?.at(-1)).toBe('WORSE')
  expect(problems).toEqual([expect.stringMatching(/^"a" became worse: .*, at most 1\.1500\.$/)])
})

it('fails a ratio that is not stored', () => {
  const { rows, problems } = judgeRatios({ a: 1, 'a, renamed': 1 }, stored)
  expect(rows[1]).toEqual(['a, renamed', '-', '1.0000', '-', 'NOT STORED'])
  expect(problems).toEqual([expect.stringMatching(/^"a, renamed" is not in guard\.json.*--update/)])
})
