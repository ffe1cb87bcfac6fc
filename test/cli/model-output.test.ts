import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { convertCommand } from '../../src/cli/convert.ts'
import { featuresCommand } from '../../src/cli/features.ts'
import { infoCommand } from '../../src/cli/info.ts'
import { quantizeCommand } from '../../src/cli/quantize.ts'
import { decodeImage } from '../../src/images/decode.node.ts'
import { parseManifest } from '../../src/models/parse-manifest.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import { toFloat32 } from '../../src/weights/elements.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'
import { safetensors } from '../weights/make-safetensors.ts'

const RESNET = fileURLToPath(new URL('../fixtures/classify/resnet.pth', import.meta.url))
const PHOTO = fileURLToPath(new URL('../../examples/photos/cat.jpg', import.meta.url))

let folder: string
let out: string

beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  folder = temporaryFolder()
  out = join(folder, 'out')
  return () => vi.restoreAllMocks()
})

const run = (command: (signal: AbortSignal) => Command, ...args: string[]): Promise<unknown> =>
  command(new AbortController().signal).exitOverride().parseAsync(args, { from: 'user' })

const contents = (path: string): [string, string][] =>
  readdirSync(path)
    .sort()
    .map((name) => [name, readFileSync(join(path, name), 'latin1')])

/** A classifier's weights of which one is too large for float16, so that its backbone cannot be written. */
function tooLargeForHalf(): string {
  const { tensors } = readWeights(new Uint8Array(readFileSync(RESNET)), 'resnet.pth')
  const header: Record<string, unknown> = {}
  const parts: Uint8Array[] = []
  let at = 0
  for (const [name, tensor] of tensors) {
    const values = toFloat32(tensor).slice()
    if (name === 'conv1.weight') values[0] = 1e9
    header[name] = { dtype: 'F32', shape: tensor.shape, data_offsets: [at, at + values.byteLength] }
    parts.push(new Uint8Array(values.buffer))
    at += values.byteLength
  }
  const path = join(folder, 'large.safetensors')
  writeFileSync(path, safetensors(header, Buffer.concat(parts)))
  return path
}

describe('vertebra convert', () => {
  it.each<[string, string[]]>([
    ['the weights', ['backbone.onnx']],
    ['a file of the manifest', [RESNET, '--about', 'model.json']],
  ])('does not write over %s', async (_, args) => {
    mkdirSync(out)
    copyFileSync(RESNET, join(out, 'backbone.onnx'))
    writeFileSync(join(out, 'model.json'), '{}')
    const before = contents(out)
    const inputs = args.map((arg) => (before.some(([name]) => name === arg) ? join(out, arg) : arg))
    const failed = await errorOf(run(convertCommand, ...inputs, '--task', 'features', '--out', out))
    expect(failed).toMatch(/^INVALID_ARGUMENT: Expected another place than an input.* for --out/)
    expect(contents(out)).toEqual(before)
  })

  it.each(['null', '"cats"', '{"nme": "cats"}'])('refuses --about with %s', async (json) => {
    const about = join(folder, 'about.json')
    writeFileSync(about, json)
    const failed = await errorOf(run(convertCommand, RESNET, '--task', 'features', '--about', about, '--out', out))
    expect(failed).toMatch(
      /^INVALID_ARGUMENT: Expected name, description, source and metrics of a model in .*about\.json: /,
    )
    expect(existsSync(out)).toBe(false)
  })

  it('leaves the model that was there when the next one fails halfway, and no folder where there was none', async () => {
    const large = tooLargeForHalf()
    const halves = ['--task', 'classify', '--precision', 'fp16']
    expect(await errorOf(run(convertCommand, large, ...halves, '--out', join(out, 'deep')))).toMatch(/^GRAPH_INVALID/)
    expect(existsSync(out)).toBe(false)
    await run(convertCommand, RESNET, '--task', 'classify', '--out', out)
    const before = contents(out)
    expect(before.map(([name]) => name)).toEqual(['backbone.onnx', 'classifier.onnx', 'model.json'])
    expect(await errorOf(run(convertCommand, large, ...halves, '--out', out))).toMatch(/^GRAPH_INVALID/)
    expect(contents(out)).toEqual(before)
  })
})

describe('vertebra quantize', () => {
  it('does not write over the model it reads by another path', async () => {
    const model = await tinyModelFolder()
    symlinkSync(model, out)
    const before = contents(model)
    const failed = await errorOf(run(quantizeCommand, model, '--data', PHOTO, '--out', out))
    expect(failed).toMatch(/^INVALID_ARGUMENT: Expected another folder than the model for --out/)
    expect(contents(model)).toEqual(before)
  })

  it('keeps the model when scoring is interrupted', async () => {
    const model = await tinyModelFolder()
    const { width, height } = await decodeImage(PHOTO)
    const images = [1, 2].map((id) => ({ id, file_name: `${id}.jpg`, width, height }))
    for (const { file_name } of images) copyFileSync(PHOTO, join(folder, file_name))
    const annotations = images.map(({ id }) => ({ id, image_id: id, category_id: 1, bbox: [0, 0, 50, 50], area: 2500 }))
    const data = join(folder, 'instances.json')
    writeFileSync(data, JSON.stringify({ images, annotations, categories: [{ id: 1, name: 'cat' }] }))
    const interrupt = new AbortController()
    const looking = setInterval(() => existsSync(join(out, 'model.json')) && interrupt.abort(), 1)
    const flags = ['--data', data, '--images', folder, '--photos', '1', '--out', out]
    const ended = quantizeCommand(interrupt.signal)
      .exitOverride()
      .parseAsync([model, ...flags], { from: 'user' })
    expect(await errorOf(ended)).toMatch(/^ABORTED/)
    clearInterval(looking)
    expect(parseManifest(readFileSync(join(out, 'model.json'), 'utf8'), out).metrics).toEqual([])
  })

  it('leaves no folder when it fails', async () => {
    const model = await tinyModelFolder()
    const text = join(folder, 'text.jpg')
    writeFileSync(text, 'no picture')
    expect(await errorOf(run(quantizeCommand, model, '--data', text, '--out', out))).toMatch(/^DATA_INVALID/)
    expect(existsSync(out)).toBe(false)
  })
})

it('vertebra features makes no folder for a photo that is not there', async () => {
  const failed = await errorOf(run(featuresCommand, join(folder, 'missing.jpg'), '--out', out))
  expect(failed).toMatch(/^IMAGE_NOT_FOUND/)
  expect(existsSync(out)).toBe(false)
})

it.each<[string, string[], RegExp]>([
  ['a name', ['resnet18'], /Expected no name, as it lists all architectures, for --list but received "resnet18"/],
  ['a drawing', ['--graph', 'x.svg'], /Expected no --graph with --list/],
  ['a size', ['--size', '64x64'], /Expected no --size with --list/],
])('vertebra info refuses %s with --list', async (_, args, message) => {
  expect(await errorOf(run(infoCommand, ...args, '--list'))).toMatch(message)
})
