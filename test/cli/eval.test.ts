import { spawn } from 'node:child_process'
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { readResults } from '../../src/cli/eval-results.ts'
import { evaluateCoco, evaluateVoc, operatingPoint } from '../../src/evaluate/index.ts'
import { type CocoInstances, type CocoResult, readCocoInstances, readCocoResults } from '../../src/formats/index.ts'
import { temporaryFolder, testPhoto, tinyModelFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

const PHOTOS = 40
/** The tiny model's labels in another order, with other ids and one more: classes go by their names. */
const CATEGORIES = [
  { id: 4, name: 'person' },
  { id: 6, name: 'dog' },
  { id: 9, name: 'cat' },
  { id: 11, name: 'cow' },
]

let model: string
let folder: string

beforeAll(async () => {
  model = await tinyModelFolder()
  folder = temporaryFolder()
  mkdirSync(join(folder, 'set/images'), { recursive: true })
  for (let i = 0; i < 4; i++) {
    const { width, height, data } = testPhoto(160, 120, i)
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(join(folder, `set/images/${i}.png`))
  }
  for (let i = 4; i < PHOTOS; i++)
    copyFileSync(join(folder, `set/images/${i % 4}.png`), join(folder, `set/images/${i}.png`))
  write('set/instances.json', instances([]))
})

const images = Array.from({ length: PHOTOS }, (_, i) => ({
  id: 100 + i,
  file_name: `${i}.png`,
  width: 160,
  height: 120,
}))

function instances(annotations: readonly object[], changes: object = {}): object {
  return { images, annotations, categories: CATEGORIES, ...changes }
}

function write(path: string, content: object | string): void {
  writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
}

const read = (path: string): string => readFileSync(join(folder, path), 'utf8')
const evaluate = (...args: string[]) => runCli(['eval', ...args], { cwd: folder })
const detect = (...args: string[]) => evaluate('--model', model, '--device', 'cpu', '--min-score', '0.01', ...args)

/** Some of the results as what is there, so that there is something to find. */
function truth(results: readonly CocoResult[]): CocoInstances {
  const annotations = results
    .filter((_, i) => i % 7 === 0)
    .map(({ image_id, category_id, bbox: [x, y, w, h] }, id) => ({
      id,
      image_id,
      category_id,
      bbox: [x + 1, y, w, h],
      difficult: id % 5 === 0 ? 1 : 0,
    }))
  return readCocoInstances(
    instances([...annotations, { id: -1, image_id: 100, category_id: 11, bbox: [1, 2, 30, 40] }]),
  )
}

describe('vertebra eval --model', { timeout: 180_000 }, () => {
  it('goes on where it was killed, with the same results in the end', async () => {
    const whole = await detect('--data', 'set', '--out', 'whole.json')
    expect(whole.code).toBe(0)
    expect(whole.stderr).toMatch(/^40 photos in [\d.]+ s on cpu in float32; results written to whole\.json$/m)
    const results = readCocoResults(read('whole.json'))
    expect(new Set(results.map(({ category_id }) => category_id))).toEqual(new Set([4, 6, 9]))
    expect(new Set(results.map(({ image_id }) => image_id)).size).toBe(PHOTOS)

    const killed = join(folder, 'killed.json.unfinished')
    await killWhen(() => existsSync(killed) && read('killed.json.unfinished').split('\n').length > 4)
    const done = read('killed.json.unfinished').split('\n').length - 2
    expect(done).toBeGreaterThan(2)
    expect(done).toBeLessThan(PHOTOS)
    expect(existsSync(join(folder, 'killed.json'))).toBe(false)
    // What a process leaves that is killed as it writes.
    appendFileSync(killed, '{"file":"/half a line')

    const other = await detect('--data', 'set', '--out', 'killed.json', '--min-score', '0.02')
    expect(other.code).toBe(2)
    expect(other.stderr).toMatch(
      /error: Expected unfinished results of the same run in .*\(minScore 0\.01 instead of 0\.02\)/,
    )

    const part = await detect('--data', 'set', '--out', 'killed.json', '--limit', '1')
    expect([part.code, part.stderr]).toEqual([
      0,
      expect.stringContaining(`it holds ${done - 1} photos that are not of`),
    ])

    const resumed = await detect('--data', 'set', '--out', 'killed.json')
    expect(resumed.stderr).toContain(`Going on after ${done} of 40 photos.\n`)
    expect(resumed.code).toBe(0)
    expect(read('killed.json')).toBe(read('whole.json'))
    expect(resumed.stdout).toBe(whole.stdout)
    expect(readdirSync(folder).filter((name) => name.includes('unfinished') || name.includes('tmp'))).toEqual([])
  })

  it('counts photos that cannot be read as empty, names them, and tries only them again', async () => {
    const bad = {
      images: [
        { id: 1, file_name: '0.png', width: 160, height: 120 },
        { id: 2, file_name: 'gone.png', width: 160, height: 120 },
        { id: 3, file_name: 'bad.png', width: 160, height: 120 },
        { id: 4, file_name: '1.png', width: 80, height: 60 },
      ],
    }
    write('set/images/bad.png', 'no picture')
    write('bad.json', instances([], bad))
    const args = ['--data', 'bad.json', '--images', 'set/images', '--out', 'bad-results.json']
    const { code, stderr, stdout } = await detect(...args, '--json')
    expect(code).toBe(1)
    expect(stderr).toContain('gone.png, image 2: the file is not there.')
    expect(stderr).toMatch(/bad\.png, image 3: Expected JPEG, PNG, .* received text that starts with "no picture"\./)
    expect(stderr).toContain('1.png, image 4: the file is 160 x 120, the annotations say 80 x 60.')
    expect(stderr).toContain('warning: 2 photos could not be read: they count as photos where nothing was found.')
    expect(JSON.parse(stdout)).toMatchObject({
      model: 'tiny',
      device: 'cpu',
      minScore: 0.01,
      failed: 2,
      photos: 4,
      problems: { 'no-annotations': 4, 'image-missing': 1, unreadable: 1, 'image-size': 1 },
    })
    copyFileSync(join(folder, 'set/images/2.png'), join(folder, 'set/images/bad.png'))
    copyFileSync(join(folder, 'set/images/3.png'), join(folder, 'set/images/gone.png'))
    const again = await detect(...args)
    expect(again.stderr).toContain('Going on after 2 of 4 photos.\n')
    expect(again.code).toBe(0)
    const nowhere = await detect('--data', 'bad.json', '--images', model)
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/none of 4 is there .* --images\.\n$/)])
  })

  it('refuses a dataset of other classes, and options that are of the other kind of run', async () => {
    write('other.json', instances([], { categories: [{ id: 1, name: 'tree' }] }))
    const other = await detect('--data', 'other.json', '--images', 'set/images')
    expect([other.code, other.stderr]).toEqual([1, expect.stringMatching(/its 1 \(tree\) are none of the model's 3/)])
    for (const args of [
      ['--results', 'whole.json', '--model', model, '--data', 'set'],
      ['--data', 'set', '--iou', '0'],
      ['--data', 'set/instances.json', '--out', 'set/instances.json'],
      ['--data', 'set', '--out', 'set/images/../instances.json'],
      [],
    ]) {
      expect((await evaluate(...args)).code).toBe(2)
    }
  })
})

describe('vertebra eval --results', () => {
  let results: readonly CocoResult[]
  let dataset: CocoInstances
  const near = (expected: number) => (expected < 0 ? null : expect.closeTo(expected, 12))

  beforeAll(async () => {
    if (!existsSync(join(folder, 'whole.json'))) await detect('--data', 'set', '--out', 'whole.json')
    results = readCocoResults(read('whole.json'))
    dataset = truth(results)
    write('set/truth.json', dataset)
  })

  it('gives the figures of the library', async () => {
    const args = ['--results', 'whole.json', '--data', 'set/truth.json', '--at', '0.2', '--iou', '0.6']
    const { code, stdout } = await evaluate(...args, '--voc-method', '11-point', '--json', '--confusion', '--errors')
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    const { stats, perClass, warnings } = evaluateCoco(dataset, results)
    for (const [name, value] of Object.entries(stats)) expect(report.coco[name]).toEqual(near(value))
    const voc = evaluateVoc(dataset, results, { iouThreshold: 0.6, method: 'eleven-point' })
    expect(report.voc).toEqual({ mAP: near(voc.mAP), iouThreshold: 0.6, method: 'eleven-point' })
    const point = operatingPoint(dataset, results, { minScore: 0.2, iouThreshold: 0.6 })
    expect(report.operatingPoint.F1).toEqual(near(point.F1))
    expect(report.perClass.map(({ name, AP }: { name: string; AP: number }) => [name, AP])).toEqual(
      perClass.map(({ name, AP }) => [name, near(AP)]),
    )
    expect(report.perClass[3]).toMatchObject({ name: 'cow', objects: 1, results: 0, AP: 0, recall: 0 })
    expect(stats.AP).toBeGreaterThan(0.05)
    expect(report.warnings).toEqual(warnings)
    expect(report.confusion.labels).toEqual(['person', 'dog', 'cat', 'cow', 'background'])
    expect(report.confusion.counts).toHaveLength(5)
    expect(report.errors.counts.missed).toBeGreaterThan(0)
  })

  it('prints tables, of some photos and classes only when asked', async () => {
    const all = await evaluate('--results', 'whole.json', '--data', 'set/truth.json', '--confusion', '--errors')
    expect(all.stdout).toMatch(/^40 photos, \d+ objects and \d+ that are ignored \(crowd or difficult\), \d+ results\n/)
    expect(all.stdout).toMatch(/^ {2}VOC mAP \d+\.\d\d \(IoU 0\.5, every point\)$/m)
    expect(all.stdout).toMatch(/^ {2}cow +1 +0 +0\.00 +0\.00 +0\.00 +- +0\.00 +0\.00$/m)
    expect(all.stdout).toMatch(/^Confusion .*\n {2}class +right +missed +taken for$/m)
    expect(all.stdout).toMatch(/^Errors .*\n {2}error +count +gain$/m)
    const part = await evaluate(
      '--results',
      'whole.json',
      '--data',
      'set/truth.json',
      '--limit',
      '3',
      '--classes',
      'dog',
    )
    expect(part.stdout).toMatch(/^3 photos,/)
    expect(part.stdout).not.toMatch(/person|cow/)
    expect(part.stderr).not.toContain('categories')
  })

  it('reads a folder of VOC results, and says which classes have no file', async () => {
    mkdirSync(join(folder, 'comp4'))
    const names = new Map(CATEGORIES.map(({ id, name }) => [id, name]))
    for (const name of ['person', 'dog', 'cat']) {
      const lines = results
        .filter(({ category_id }) => names.get(category_id) === name)
        .map(({ image_id, score, bbox: [x, y, w, h] }) =>
          [Number(image_id) - 100, score, x + 1, y + 1, x + w, y + h].join(' '),
        )
      write(`comp4/comp4_det_test_${name}.txt`, `${lines.join('\n')}\n`)
    }
    write('comp4/notes.md', 'not a results file')
    const { code, stdout, stderr } = await evaluate('--results', 'comp4', '--data', 'set/truth.json', '--json')
    expect(code).toBe(0)
    expect(stderr).toContain('warning: There is no results file for cow.\n')
    write('set/odd.json', { ...dataset, categories: [...CATEGORIES, { id: 12, name: 'ox\u001b[2J' }] })
    const odd = await evaluate('--results', 'comp4', '--data', 'set/odd.json')
    expect(odd.stderr).toContain('warning: There is no results file for cow, ox?[2J.\n')
    expect(JSON.parse(stdout).coco.AP).toBeCloseTo(evaluateCoco(dataset, results).stats.AP, 3)
  })

  it('refuses what are no results of this dataset', async () => {
    const box = { bbox: [0, 0, 1, 1], score: 0.5, category_id: 4 }
    const cases: [content: object | string, message: RegExp][] = [
      ['[{"image_id": 100, "bbo', /^Expected JSON in r\.json but it breaks off after \d+ bytes\.$/],
      ['cat 0.5 1 1 2 2', /^Expected JSON in r\.json but /],
      [instances([]), /^Expected an array of results in r\.json .* are these annotations\?$/],
      ['[{"image_id": 100, "category_id": 4, "bbox": [0, 0, 1, 1], "score": NaN}]', /score of \[0\] of r\.json/],
      [[{ ...box, image_id: 100, bbox: [0, 0, -1, 1] }], /bbox of \[0\] of r\.json/],
    ]
    for (const [content, message] of cases) {
      write('r.json', content)
      const failure = readResults(join(folder, 'r.json'), dataset)
      await expect(failure).rejects.toMatchObject({ code: 'DATA_INVALID', message: expect.stringMatching(message) })
    }
    await expect(readResults(join(folder, 'set'), dataset)).rejects.toThrow(
      /comp4_det_test_<class>\.txt in .* found none/,
    )
    await expect(readResults(join(folder, 'none'), dataset)).rejects.toThrow('Expected results but there is nothing at')

    write('r.json', [{ ...box, image_id: 7 }])
    const { code, stdout, stderr } = await evaluate('--results', 'r.json', '--data', 'set/truth.json')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^error: Expected the id of an annotated image for image_id of result 0 but received 7\.$/m)
    write('r.json', [{ ...box, image_id: 100, category_id: 99 }])
    const foreign = await evaluate('--results', 'r.json', '--data', 'set/truth.json')
    expect(foreign.stderr).toContain('warning: 1 of 1 results have categories that the ground truth does not have')
  })
})

/** Starts a run and kills it, with no chance to tidy up, as soon as `ready`. */
function killWhen(ready: () => boolean): Promise<void> {
  const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
  const args = [
    'eval',
    '--model',
    model,
    '--device',
    'cpu',
    '--min-score',
    '0.01',
    '--data',
    'set',
    '--out',
    'killed.json',
  ]
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd: folder })
    const poll = setInterval(() => {
      if (ready()) child.kill('SIGKILL')
    }, 2)
    child.on('close', () => {
      clearInterval(poll)
      resolve()
    })
  })
}
