import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

const SHARED = fileURLToPath(new URL('../../../shared/fixtures/coco-val2014-fakebbox', import.meta.url))

describe.skipIf(!existsSync(SHARED))('the published sample (skipped where ../shared is missing)', () => {
  it('gives the figures of pycocotools', async () => {
    const data = join(SHARED, 'instances_val2014_100.json')
    const { stdout } = await runCli([
      'eval',
      '--results',
      join(SHARED, 'instances_val2014_fakebbox100_results.json'),
      '--data',
      data,
      '--json',
    ])
    const { coco } = JSON.parse(stdout)
    const expected = JSON.parse(readFileSync(join(SHARED, 'expected.json'), 'utf8'))
    for (const [ours, theirs] of [
      ['AP', 'AP'],
      ['AP50', 'AP50'],
      ['APs', 'APsmall'],
      ['AR100', 'AR100'],
      ['ARl', 'ARlarge'],
    ]) {
      expect(coco[ours ?? '']).toBeCloseTo(expected[theirs ?? ''], 9)
    }
  })
})
