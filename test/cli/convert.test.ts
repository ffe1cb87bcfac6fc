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
    expect(manifest.name).toBe('model')
    expect(manifest.labels[4]).toEqual({ name: 'cow', categoryId: 5 })
    const photo = fileURLToPath(new URL('../../examples/photos/cat.jpg', import.meta.url))
    const detected = await runCli(['detect', photo, '--model', out, '--device', 'cpu', '--min-score', '0'])
    expect(detected.code).toBe(0)
    expect(detected.stdout).toMatch(/cat\.jpg .*objects/)
  })

  it('takes an exported detector as it is', async () => {
    const whole = join(folder, 'whole')
    const { code, stdout, stderr } = await runCli(['convert', fixture('whole/torchvision.onnx'), '--out', whole])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/torchvision\.onnx: torchvision's export of a detector\n.*3 classes, 0\.1 MB/)
    const graph = readFileSync(fixture('whole/torchvision.onnx'))
    expect(readFileSync(join(whole, 'detector.onnx')).equals(graph)).toBe(true)
    const photo = fileURLToPath(new URL('../../examples/photos/cat.jpg', import.meta.url))
    const detected = await runCli(['detect', photo, '--model', whole, '--device', 'cpu'])
    expect(detected.stdout).toMatch(/cat\.jpg .*objects/)
    const info = await runCli(['info', whole])
    expect(info.stdout).toMatch(/task +detect-whole[\s\S]*detector +0\.\d+ M parameters +– G multiply-adds/)
    const features = await runCli(['features', photo, '--model', whole])
    expect(features.stderr).toMatch(/Expected a backbone that gives feature maps but .* is a detector in one graph/)
  })

  it('takes what a person says of the pictures of a network', async () => {
    const backbone = join(folder, 'caffe')
    const args = ['--task', 'features', '--input', 'caffe-rgb', '--out', backbone]
    const { code, stderr } = await runCli(['convert', fixture('classify/vgg16.pth'), ...args])
    expect(stderr).toMatch(/^Left out 6 tensors/)
    expect(code).toBe(0)
    const { input } = JSON.parse(readFileSync(join(backbone, 'model.json'), 'utf8'))
    expect(input.std.map((value: number) => value.toFixed(6))).toEqual(['1.000000', '1.000000', '1.000000'])
    expect(input.mean[0]).toBeCloseTo(122.99925, 6)
  })

  it.each<[string, string[], RegExp]>([
    [
      'an export of several kinds',
      [fixture('whole/detr.onnx')],
      /detr or deformable-detr or rt-detr: say which \(--as\)/,
    ],
    ['an export of another form', [fixture('whole/detr.onnx'), '--as', 'yolox'], /inputs and outputs of yolox/],
    ['weights as an export', [fixture('weights/torch-zip.pth'), '--as', 'yolox'], /Expected an ONNX file/],
    ['a precision for an export', [fixture('whole/yolox.onnx'), '--precision', 'fp16'], /Expected no --precision of a/],
    [
      'a task for an export',
      [fixture('whole/yolox.onnx'), '--as', 'yolox', '--task', 'features'],
      /no --task features/,
    ],
    [
      'weights of no detector',
      [fixture('weights/torch-zip.pth')],
      /a detector of a known kind.*PyTorch file of 13 tensors/,
    ],
    [
      'a backbone alone',
      [fixture('classify/vgg16.pth')],
      /a VGG .* \(vertebra convert --task features or classify takes/,
    ],
    [
      'the pictures of a detector',
      [fixture('dialects/torchvision-v1.pth'), '--input', 'caffe-rgb'],
      /Expected no --input with --task detect/,
    ],
    ['other pictures', [fixture('classify/vgg16.pth'), '--task', 'features', '--input', 'opencv'], /choices are/],
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
