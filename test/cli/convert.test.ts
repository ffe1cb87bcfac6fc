import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url))

describe('vertebra convert', () => {
  const folder = temporaryFolder()
  const out = join(folder, 'model')

  it('says what it recognised, takes labels, and writes a folder that detects', async () => {
    const labels = join(folder, 'labels.txt')
    await writeFile(labels, 'cat\ndog\nperson\nsheep\ncow\n')
    const weights = fixture('dialects/detectron2-FPN.pkl')
    const { code, stdout, stderr } = await runCli(['convert', weights, '--labels', labels, '--out', out])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/detectron2-FPN\.pkl: Detectron2 Faster R-CNN \(pickle of NumPy arrays, \d+ tensors\)/)
    expect(stdout).toMatch(/model: Faster R-CNN FPN of Detectron2, ResNet .*, 5 classes, 0\.\d MB/)
    const manifest = JSON.parse(readFileSync(join(out, 'model.json'), 'utf8'))
    expect(manifest.labels[4]).toEqual({ name: 'cow', categoryId: 5 })
    const photo = fileURLToPath(new URL('../../examples/photos/cat.jpg', import.meta.url))
    const detected = await runCli(['detect', photo, '--model', out, '--device', 'cpu', '--min-score', '0'])
    expect(detected.code).toBe(0)
    expect(detected.stdout).toMatch(/cat\.jpg .*objects/)
  })

  it.each<[string, string[], RegExp]>([
    [
      'weights of no detector',
      [fixture('weights/torch-zip.pth')],
      /a detector of a known kind.*PyTorch file of 13 tensors/,
    ],
    ['an optimizer', [fixture('weights/optimizer.pth')], /only the state of an optimizer/],
    [
      'another dialect',
      [fixture('dialects/torchvision-v1.pth'), '--dialect', 'mmdetection'],
      /tensor "backbone\..*missing/,
    ],
    ['a dialect that does not exist', [fixture('dialects/torchvision-v1.pth'), '--dialect', 'x'], /choices are/],
    ['a file that is not there', [fixture('nothing.pth')], /nothing\.pth cannot be read/],
  ])('refuses %s in one sentence and writes nothing', async (_, args, message) => {
    const nowhere = join(folder, 'nowhere')
    const { code, stderr } = await runCli(['convert', ...args, '--out', nowhere])
    expect(code).not.toBe(0)
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n {4}at /)
    expect(existsSync(nowhere)).toBe(false)
  })
})
