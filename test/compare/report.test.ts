import { describe, expect, test } from 'vitest'
import type { ComparedModel, Comparison } from '../../src/compare/comparison.ts'
import { html } from '../../src/compare/report/html.ts'
import { intervalText, percent, points, quantity } from '../../src/compare/report/numbers.ts'
import { renderReport, verdict } from '../../src/compare/report/report.ts'
import { compareScores } from '../../src/compare/scores.ts'
import { renderSvg } from '../../src/draw/index.ts'
import { generate } from '../evaluate/generated.ts'

const times = { decode: 5, prepare: 4, network: 80, proposals: 3, pooling: 2, head: 18, postprocess: 1 }

function model(name: string, milliseconds: number): ComparedModel {
  return {
    name,
    architecture: 'Faster R-CNN',
    precision: 'float32',
    device: 'cpu, runtime 1.0',
    parameters: 47.1e6,
    multiplyAdds: 24.3e9,
    bytes: 188e6,
    memory: undefined,
    times,
    milliseconds,
    minScore: 0.05,
  }
}

async function comparison(names: readonly string[]): Promise<Comparison> {
  const { instances, results } = generate(12)
  const lists = names.map((_, m) => results.filter((_, i) => m === 0 || i % (m + 1) > 0))
  const drawing = renderSvg({ width: 80, height: 60 }, [
    { box: [5, 5, 30, 30], label: 'class 0', score: 0.9, classIndex: 0 },
  ])
  const view = {
    drawing,
    detections: [{ label: 'class 0', score: 0.9 }],
    counts: { found: 1, wrong: 0 },
    heatMap: { level: 'c4', stride: 16, url: 'data:image/webp;base64,AAAA' },
  }
  return {
    models: names.map((name, m) => model(name, 100 + 50 * m)),
    subject: 'some/instances.json',
    scores: await compareScores(instances, lists),
    photos: [
      {
        name: 'a & b.jpg',
        width: 80,
        height: 60,
        objects: [{ box: [5, 5, 31, 31], label: 'class 0', ignored: false }],
        views: names.map(() => view),
      },
    ],
    costs: { width: 640, height: 480, photos: 10 },
    warnings: ['Something is <doubtful>.'],
  }
}

describe('renderReport', () => {
  test('is one page that fetches nothing and runs nothing', async () => {
    const page = renderReport(await comparison(['one', 'two']), 'today')
    expect(page).toMatch(/^<!doctype html>/)
    expect(page).toContain("default-src 'none'; img-src data:; style-src 'unsafe-inline'")
    expect(page).not.toMatch(/<script|<link|@import|javascript:/)
    for (const [, url] of page.matchAll(/(?:src|href)="([^"]*)"/g)) expect(url).toMatch(/^data:/)
    expect(page.match(/https?:\/\/[^"\s]+/g)?.every((url) => url === 'http://www.w3.org/2000/svg')).toBe(true)
    expect(page).toContain('prefers-color-scheme: dark')
  })

  test('can be read without seeing it: headings in order, captions, alternative texts', async () => {
    const page = renderReport(await comparison(['one', 'two']), 'today')
    const levels = [...page.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level))
    expect(levels[0]).toBe(1)
    levels.forEach((level, i) => {
      expect(level - (levels[i - 1] ?? level)).toBeLessThanOrEqual(1)
    })
    expect(page.match(/<table/g)?.length).toBe(page.match(/<caption>/g)?.length)
    for (const [image] of page.matchAll(/<img [^>]*>/g)) expect(image).toMatch(/alt="[^"]+"/)
    for (const [svg] of page.matchAll(/<svg [^>]*>/g))
      expect(svg).toMatch(/role="img"[^>]*aria-label="[^"]+"|aria-label="[^"]+"/)
    for (const tag of ['section', 'table', 'figure', 'svg', 'div', 'article', 'tr', 'td', 'th', 'span']) {
      const opened = page.match(new RegExp(`<${tag}[\\s>]`, 'g'))?.length ?? 0
      expect(page.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0, tag).toBe(opened)
    }
  })

  test('escapes what comes from outside', async () => {
    const evil = '<script>alert("1")</script>'
    const page = renderReport(await comparison([evil, 'two']), evil)
    expect(page).not.toContain('<script')
    expect(page).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;')
    expect(page).toContain('a &amp; b.jpg')
    expect(page).toContain('Something is &lt;doubtful&gt;.')
  })

  test('takes names as they are, not as patterns', async () => {
    const page = renderReport(await comparison(["$&$'", 'two']), 'today')
    expect(page).toContain('aria-label="a &amp; b.jpg with the boxes of $&amp;$&#39;: class 0')
  })

  test('holds six models, and a photo without annotations', async () => {
    const six = renderReport(await comparison(['a', 'b', 'c', 'd', 'e', 'f']), 'today')
    expect(six).toContain('class="line m5"')
    const { scores: _, ...rest } = await comparison(['one', 'two'])
    const photo = renderReport({ ...rest, scores: undefined }, 'today')
    expect(photo).toContain('The photo')
    expect(photo).not.toMatch(/NaN|undefined|Infinity/)
    expect(six).not.toMatch(/NaN|undefined|Infinity/)
  })
})

test('the verdict says what is sure and what is not', async () => {
  const same = await comparison(['one', 'two'])
  const scores = same.scores
  if (!scores) throw new Error('unreachable')
  const [first, second] = scores.models
  if (!first || !second) throw new Error('unreachable')
  const withInterval = (low: number, high: number, mAP = { low: -1, high: 1 }): Comparison => ({
    ...same,
    scores: {
      ...scores,
      models: [first, { ...second, differences: { figures: { AP: { low, high }, mAP }, perClass: [] } }],
    },
  })
  expect(verdict(withInterval(0.01, 0.05))).toMatch(
    /^two is more accurate than one: AP .* \(95 % interval \+1\.0 to \+5\.0\)\./,
  )
  expect(verdict(withInterval(-0.05, -0.01))).toMatch(/^two is less accurate than one/)
  expect(verdict(withInterval(-0.05, 0.01))).toMatch(/^two and one cannot be told apart on these photos/)
  expect(verdict(withInterval(-0.05, 0.01, { low: -0.2, high: -0.1 }))).toMatch(
    /^two is less accurate than one at IoU 0\.5: mAP .*\. AP does not tell them apart: AP/,
  )
  expect(verdict(same)).toContain('It takes 1.50 times as long: 150 against 100 ms per photo.')
})

test('numbers as a person reads them', () => {
  expect([percent(0.1449), percent(-1), points(0.0123), points(-0.0123), points(0.0001)]).toEqual([
    '14.5',
    '–',
    '+1.2',
    '−1.2',
    '0.0',
  ])
  expect(intervalText({ low: -0.01, high: 0.02 })).toBe('−1.0 to +2.0')
  expect(intervalText({ low: Number.NaN, high: Number.NaN })).toBe('')
  expect([quantity(47_123_456), quantity(105.2e9), quantity(950)]).toEqual(['47.1 M', '105 G', '950'])
  expect(html`<b>${'<'}${undefined}${[1, html`<i></i>`]}</b>`.text).toBe('<b>&lt;1<i></i></b>')
})
