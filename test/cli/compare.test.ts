import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { randomWeights } from '../../src/weights/random.ts'
import { temporaryFolder, testPhoto, tinyModelFolder, tinyRecipe, writeModelFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

let folder: string
let models: string

beforeAll(async () => {
  folder = temporaryFolder()
  const other = { ...tinyRecipe({ name: 'other' }), weights: randomWeights(8) }
  const [a, b] = [await tinyModelFolder(), await writeModelFolder(join(folder, 'other'), await convertDetector(other))]
  models = `${a},${b}`
  mkdirSync(join(folder, 'data', 'images'), { recursive: true })
  const images: object[] = []
  const annotations: object[] = []
  for (let id = 1; id <= 4; id++) {
    const { width, height, data } = testPhoto(160, 120, id)
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(join(folder, 'data', 'images', `${id}.png`))
    images.push({ id, file_name: `${id}.png`, width, height })
    annotations.push({
      id,
      image_id: id,
      category_id: id % 2 ? 17 : 18,
      bbox: [10, 10, 60, 60],
      area: 3600,
      iscrowd: 0,
    })
  }
  const categories = [
    { id: 17, name: 'cat' },
    { id: 18, name: 'dog' },
  ]
  writeFileSync(join(folder, 'data', 'instances.json'), JSON.stringify({ images, annotations, categories }))
})

const compare = (...args: string[]) => runCli(['compare', ...args], { cwd: folder })

describe('vertebra compare', () => {
  it('compares two models on a dataset: a table, a page, and kept detections', async () => {
    const args = ['--models', models, '--data', 'data', '--device', 'cpu', '--out', 'out/page.html', '--at', '0.05']
    const { code, stdout, stderr } = await compare(...args)
    expect(stderr).not.toMatch(/error/)
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^ +tiny +other +difference +95 % interval$/)
    expect(lines[1]).toMatch(/^ {2}AP +\d+\.\d +\d+\.\d +\S+ +\S+ to \S+$/)
    expect(stdout).toMatch(/\n {2}peak memory +\d+ MB +\d+ MB\n/)
    expect(stdout).toMatch(/\n(other is (more|less) accurate than tiny|other and tiny cannot be told apart)/)
    expect(stderr).toContain('To look at: out/page.html')
    const page = readFileSync(join(folder, 'out/page.html'), 'utf8')
    expect(page.includes('<h1>tiny and other</h1>')).toBe(true)
    expect(/eyebrow">([^<]*)/.exec(page)?.[1]).toBe('data · 4 photos · 4 objects · 2 classes')
    expect(page.match(/<article class="photo">/g)).toHaveLength(4)
    expect(page.match(/Heat map of level c4/g)).toHaveLength(8)
    // Base64 may spell anything.
    expect(/NaN|undefined/.test(page.replaceAll(/data:[^"]*/g, ''))).toBe(false)
    const kept = readdirSync(join(folder, 'out/page-results')).sort()
    expect(kept).toEqual([expect.stringMatching(/^other-[0-9a-f]{12}\.jsonl$/), expect.stringMatching(/^tiny-/)])

    const again = await compare(...args)
    expect(again.stderr).toContain('tiny: 4 of 4 photos are done already, kept in out/page-results.')
    const figures = (text: string): string[] => text.split('\n').slice(0, 9)
    expect(figures(again.stdout)).toEqual(figures(stdout))
  }, 180_000)

  it('compares two models on one photo', async () => {
    const { code, stdout } = await compare(
      'data/images/1.png',
      '-m',
      models,
      '--at',
      '0',
      '--level',
      'p3',
      '-o',
      'photo.html',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}object +tiny +other\n/)
    const page = readFileSync(join(folder, 'photo.html'), 'utf8')
    expect(page.match(/Heat map of level p3/g)).toHaveLength(2)
    expect(page.includes('Accuracy')).toBe(false)
  })

  it('goes on when a photo cannot be read, says so, and ends with 1', async () => {
    const broken = join(folder, 'data', 'images', '3.png')
    const whole = readFileSync(broken)
    rmSync(broken)
    const { code, stdout, stderr } = await compare(
      '-m',
      models,
      '--data',
      'data',
      '--photos',
      '0',
      '-o',
      'missing.html',
    )
    writeFileSync(broken, whole)
    expect(code).toBe(1)
    expect(stderr).toContain('3.png')
    expect(stdout).toContain('AP')
    expect(readFileSync(join(folder, 'missing.html'), 'utf8').includes('4 photos')).toBe(true)
  })

  it('refuses what cannot be compared before any work', async () => {
    const [one = ''] = models.split(',')
    const message = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await compare(...args)
      expect(code).toBe(2)
      return stderr
    }
    expect(await message('-m', models)).toContain('Expected either a photo or --data to compare on.')
    expect(await message('-m', one, '--data', 'data')).toContain(
      'Expected two to 6 models, or one and several --device or --precision, for --models but received 1.',
    )
    expect(await message('-m', models, '--device', 'cpu,cpu,cpu', '--data', 'data')).toContain('for --models')
    expect(await message('-m', models, '--device', 'abacus', '--data', 'data')).toContain('Expected some of auto, cuda')
    const overwritten = 'an input, which would be overwritten'
    expect(await message('-m', models, '--data', 'data', '-o', 'data/instances.json')).toContain(overwritten)
    expect(await message('-m', models, 'data/images/1.png', '-o', 'data/images/1.png')).toContain(overwritten)
    expect(await message('-m', models, '--data', 'data', '--level', 'c9')).toContain('Expected a level of tiny (')
  })
})
