import { copyFileSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { dialectFile } from '../convert/dialect-fixture.ts'
import { fixture } from '../images/fixtures.ts'
import { temporaryFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

let folder: string
const run = (...args: string[]) => runCli(args, { cwd: folder })
const weights = fixture('../classify/resnet.pth')
const photo = fixture('photo.png')

beforeAll(async () => {
  folder = temporaryFolder()
  writeFileSync(join(folder, 'labels.txt'), 'ant\nbee\ncat\ndog\nelk\nfox\ngnu\n')
  const { code, stdout } = await run('convert', weights, '--task', 'classify', '--labels', 'labels.txt', '-o', 'model')
  expect(stdout).toMatch(/: ResNet of 1, 2, 1, 1 units .*torchvision.*\nmodel: .*, 7 classes, 0\.\d MB\n$/)
  expect(code).toBe(0)
})

describe('vertebra classify', () => {
  it('prints the most probable classes of each picture', async () => {
    const { code, stdout, stderr } = await run('classify', photo, '--model', 'model', '--device', 'cpu', '--top', '2')
    expect([code, stderr]).toEqual([0, ''])
    const [file, first, second, end] = stdout.split('\n')
    expect([file, end]).toEqual([photo, ''])
    expect(first).toMatch(/^ {2}[01]\.\d{3} {2}(ant|bee|cat|dog|elk|fox|gnu)$/)
    expect(Number(first?.trim().split(' ')[0])).toBeGreaterThanOrEqual(Number(second?.trim().split(' ')[0]))
  })

  it('goes on after a picture that cannot be read, and prints JSON', async () => {
    writeFileSync(join(folder, 'broken.png'), 'no picture')
    const { code, stdout, stderr } = await run('classify', 'broken.png', photo, '-m', 'model', '--json')
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^1 failed:\n {2}.*broken\.png/)])
    const { model, images } = JSON.parse(stdout)
    expect(model).toBe('model')
    expect(images).toEqual([{ file: photo, width: 97, height: 73, classes: expect.any(Array) }])
    expect(images[0].classes).toHaveLength(5)
    expect(images[0].classes[0]).toEqual({
      label: expect.any(String),
      classIndex: expect.any(Number),
      probability: expect.any(Number),
    })
  })

  it('stops at the first Ctrl-C while it waits for standard input', async () => {
    const args = ['classify', photo, '-', '-m', 'model']
    const { code, stderr } = await runCli(args, { cwd: folder, interruptAt: photo })
    expect([code, stderr]).toEqual([130, 'Interrupted.\n'])
  })

  it('lets no name steer the terminal, nor do info and similar', async () => {
    cpSync(join(folder, 'model'), join(folder, 'odd'), { recursive: true })
    const manifest = readFileSync(join(folder, 'odd/model.json'), 'utf8')
    writeFileSync(join(folder, 'odd/model.json'), manifest.replace('"ant"', '"ant\\u001b[2J"'))
    copyFileSync(photo, join(folder, 'a\u001b[2J.png'))
    for (const args of [['info'], ['classify', 'a\u001b[2J.png', '-m'], ['similar', 'a\u001b[2J.png', photo, '-m']]) {
      const { code, stdout } = await run(...args, 'odd')
      expect([code, stdout]).toEqual([0, expect.stringContaining('?[2J')])
      expect(stdout).not.toContain('\u001b')
    }
  })

  it('says what a model of another task is for, and info what it is', async () => {
    const detect = await run('detect', photo, '--model', 'model')
    expect([detect.code, detect.stderr]).toEqual([1, expect.stringContaining('is a classifier, which is for')])
    const info = await run('info', 'model')
    expect(info.stdout).toMatch(/task +classify\n {2}labels +7: ant, bee/)
    expect(info.stdout).toMatch(/backbone .*\n +classifier .*\n +together/)
    const features = await run('similar', photo, photo, '--model', 'model', '--json')
    expect(JSON.parse(features.stdout)).toMatchObject({ level: 'c5' })
  })
})

describe('vertebra convert --task', () => {
  it('makes a backbone alone', async () => {
    const { code, stdout } = await run('convert', weights, '--task', 'features', '--out', 'backbone')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/features only/)])
    expect(existsSync(join(folder, 'backbone/classifier.onnx'))).toBe(false)
    expect((await run('info', 'backbone')).stdout).toMatch(/task +features\n {2}weights/)
  })

  it('refuses what does not belong together, and weights of something else', async () => {
    const refused = async (...args: string[]) => {
      const { code, stderr } = await run('convert', ...args, '--out', 'refused')
      expect(existsSync(join(folder, 'refused'))).toBe(false)
      return `${code} ${stderr}`
    }
    expect(await refused(weights, '--task', 'classify', '--arch', 'resnet50')).toMatch(/^2 .*no --arch with --task cl/)
    expect(await refused(weights, '--task', 'features', '--labels', 'labels.txt')).toMatch(/^2 .*no --labels/)
    expect(await refused(weights, '--crop', '64')).toMatch(/^2 .*no --crop with --task detect/)
    expect(await refused(weights, '--task', 'classify', '--crop', '300')).toMatch(/^1 .*300 x 300 cannot be taken/)
    writeFileSync(join(folder, 'two.txt'), 'a\nb\n')
    expect(await refused(weights, '--task', 'classify', '--labels', 'two.txt')).toMatch(/^2 .*Expected 7 labels/)
    writeFileSync(join(folder, 'caffe.caffemodel'), dialectFile('kaiminghe-letters.caffemodel'))
    expect(await refused('caffe.caffemodel', '--task', 'features')).toMatch(/^1 .*whose pictures are known/)
  })
})
