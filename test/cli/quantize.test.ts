import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder, testPhoto, tinyModelFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

let folder: string
let model: string

beforeAll(async () => {
  model = await tinyModelFolder()
  folder = temporaryFolder()
  mkdirSync(join(folder, 'set/images'), { recursive: true })
  const images = []
  for (let i = 0; i < 6; i++) {
    const { width, height, data } = testPhoto(128, 96, i)
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(join(folder, `set/images/${i}.png`))
    images.push({ id: i + 1, file_name: `${i}.png`, width, height })
  }
  const categories = [{ id: 1, name: 'cat' }]
  const annotations = images.map(({ id }) => ({
    id,
    image_id: id,
    category_id: 1,
    bbox: [10, 10, 60, 60],
    area: 3600,
    iscrowd: 0,
  }))
  writeFileSync(join(folder, 'set/instances.json'), JSON.stringify({ images, annotations, categories }))
})

const quantize = (...args: string[]) => runCli(['quantize', ...args], { cwd: folder })

describe('vertebra quantize', () => {
  it('refuses a dataset of other classes before it calibrates, unless nothing is scored', async () => {
    const { images, annotations } = JSON.parse(readFileSync(join(folder, 'set/instances.json'), 'utf8'))
    const file = join(folder, 'whales.json')
    writeFileSync(file, JSON.stringify({ images, annotations, categories: [{ id: 1, name: 'whale' }] }))
    const flags = ['--data', file, '--images', 'set/images', '--photos', '2', '--out', 'whales']
    const refused = await quantize(model, ...flags)
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('(whale) are none of the model') })
    expect(existsSync(join(folder, 'whales'))).toBe(false)
    expect((await quantize(model, ...flags, '--score', '0')).code).toBe(0)
  })

  it('writes a folder that detect and info take, from a folder of photos', async () => {
    const { code, stdout, stderr } = await quantize(model, '--data', 'set/images', '--out', 'plain', '--photos', '2')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/Ranges from 2 photos/)
    expect(stdout).toMatch(/backbone\.block1\.unit1 +\d+\.\d +-?\d+\.\d % +\d+\.\d+ % +int8/)
    expect(stdout).toMatch(/class_logits +\d+\.\d/)
    expect(stdout).toMatch(/plain: tiny-int8, 0\.\d MB/)
    expect(stdout).not.toMatch(/AP50/)
    const detected = await runCli(['detect', 'set/images/0.png', '--model', 'plain', '--min-score', '0'], {
      cwd: folder,
    })
    expect(detected.code).toBe(0)
    const info = await runCli(['info', 'plain'], { cwd: folder })
    expect(info.stdout).toMatch(/backbone .* MB \(int8\)/)
  })

  it('makes a model that every command computes with in the precision asked for', async () => {
    const run = (...args: string[]) => runCli(args, { cwd: folder })
    const photo = ['set/images/0.png', '--model', 'plain', '--device', 'cpu']
    for (const precision of ['int8', 'float32']) {
      const { stderr } = await run('detect', ...photo, '--precision', precision)
      expect(stderr).toContain(`on cpu in ${precision}`)
    }
    const half = await run('detect', ...photo, '--precision', 'float16')
    expect(half).toMatchObject({ code: 1, stderr: expect.stringContaining('a device that computes in float16') })
    const refused = await run('detect', 'set/images/0.png', '--model', model, '--precision', 'int8')
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('not calibrated for int8') })

    const timed = ['--devices', 'cpu', '--precisions', 'float32,int8', '--seconds', '0', '--json']
    const bench = await run('bench', 'plain', ...timed)
    expect(JSON.parse(bench.stdout).variants).toMatchObject([{ precision: 'float32' }, { precision: 'int8' }])

    const forms = ['--device', 'cpu', '--precision', 'float32,int8', '--out', 'forms.html']
    const compared = await run('compare', '--models', 'plain', '--data', 'set', ...forms)
    expect(compared.stderr).not.toMatch(/error/)
    expect(compared.stdout).toMatch(/^ +tiny-int8 \(float32\) +tiny-int8 \(int8\)/)
  })

  it('measures AP before and after on a dataset, and writes it into the manifest', async () => {
    const { code, stdout, stderr } = await quantize(
      model,
      '--data',
      'set',
      '--out',
      'scored',
      '--photos',
      '4',
      '--json',
    )
    expect(stderr).toMatch(/AP is measured on photos that ranges were measured on/)
    expect(code).toBe(0)
    const { accuracy, graphs, photos } = JSON.parse(stdout)
    expect(photos).toBe(4)
    expect(accuracy.photos).toBe(6)
    expect(Object.keys(accuracy.before)).toEqual(['AP', 'AP50', 'vocMAP'])
    expect(graphs.map(({ graph }: { graph: string }) => graph)).toEqual(['backbone', 'rpn', 'roiHead'])
    const { metrics } = JSON.parse(readFileSync(join(folder, 'scored/model.json'), 'utf8'))
    expect(metrics.map(({ metric }: { metric: string }) => metric)).toEqual(['COCO AP', 'COCO AP50', 'VOC mAP'])
    expect(metrics[0].dataset).toBe('6 photos of set')
  })

  it.each([
    ['a model that is int8 already', ['plain', '--data', 'set'], 2, /computes in int8 already/],
    ['data that is not there', ['MODEL', '--data', 'nowhere'], 1, /nowhere/],
    ['no photo to measure on', ['MODEL', '--data', 'set', '--photos', '0'], 2, /at least 1/],
  ])('refuses %s in one sentence and writes no model', async (_, args, code, message) => {
    const result = await quantize(...args.map((each) => (each === 'MODEL' ? model : each)), '--out', 'refused')
    expect(result.stderr).toMatch(message)
    expect(result.stderr).not.toMatch(/\n {4}at /)
    expect(result.code).toBe(code)
    expect(existsSync(join(folder, 'refused/model.json'))).toBe(false)
  })

  it('does not write over the model it reads', async () => {
    const { code, stderr } = await quantize(model, '--data', 'set', '--out', model)
    expect(code).toBe(2)
    expect(stderr).toMatch(/another folder than the model/)
  })
})
