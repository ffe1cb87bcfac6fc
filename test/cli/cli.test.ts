import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder, testPhoto, tinyModelFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

let model: string
let folder: string
let photos: string

beforeAll(async () => {
  model = await tinyModelFolder()
  folder = temporaryFolder()
  photos = join(folder, 'photos')
  mkdirSync(join(photos, 'more'), { recursive: true })
  await writePhoto(join(photos, '000000000007.png'), 1)
  await writePhoto(join(photos, 'b.jpg'), 2)
  await writePhoto(join(photos, 'more', 'b.webp'), 3)
})

async function writePhoto(path: string, seed: number): Promise<void> {
  const { width, height, data } = testPhoto(160, 120, seed)
  await sharp(data, { raw: { width, height, channels: 3 } }).toFile(path)
}

const detect = (...args: string[]) => runCli(['detect', '--model', model, '--device', 'cpu', ...args], { cwd: folder })

describe('vertebra detect', () => {
  it('prints a table, quietly when nobody watches', async () => {
    const { code, stdout, stderr } = await detect('photos/b.jpg', '--min-score', '0')
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('photos/b.jpg  160 x 120  20 objects')
    expect(lines[1]).toMatch(/^ {2}label +score +x +y +width +height$/)
    expect(lines[2]).toMatch(/^ {2}(cat|dog|person) +0\.\d{3}( +\d+){4}$/)
    expect(stderr).toMatch(/^1 photo, 20 objects, [\d.]+ s on cpu in float32\n$/)
  })

  it('shows the network photos of another size', async () => {
    const usual = await detect('photos/b.jpg', '-f', 'json')
    const larger = await detect('photos/b.jpg', '-f', 'json', '--input-size', '256')
    expect([usual.code, larger.code]).toEqual([0, 0])
    expect(larger.stdout).not.toBe(usual.stdout)
    const wrong = await detect('photos/b.jpg', '--input-size', '10')
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('Expected a whole number of pixels from 64 to 4096 for inputSize but received 10.')
  })

  it('does a glob, with COCO results whose ids come from the names', async () => {
    const { code, stderr } = await detect('photos/*.{png,jpg}', '--format', 'coco', '--out', 'deep/results.json')
    expect(stderr).toMatch(/^2 photos, \d+ objects, .* s on cpu in float32; written to deep\/results\.json\n$/)
    expect(code).toBe(0)
    const results = JSON.parse(readFileSync(join(folder, 'deep/results.json'), 'utf8'))
    expect(results[0]).toMatchObject({ image_id: 7, category_id: expect.any(Number), score: expect.any(Number) })
    expect(results[0].bbox).toHaveLength(4)
    expect([17, 18, 1]).toContain(results[0].category_id)
    expect(readdirSync(join(folder, 'deep'))).toEqual(['results.json'])
  })

  it('takes ids from annotations, and says so before the work when one is missing', async () => {
    const annotations = {
      images: [{ id: 42, file_name: 'b.jpg', width: 160, height: 120 }],
      annotations: [],
      categories: [],
    }
    writeFileSync(join(folder, 'instances.json'), JSON.stringify(annotations))
    const { stdout } = await detect('photos/b.jpg', '-f', 'coco', '--ids', 'instances.json', '--max', '1')
    expect(JSON.parse(stdout)).toMatchObject([{ image_id: 42 }])
    const missing = await detect('photos', '-f', 'coco', '--ids', 'instances.json')
    expect(missing.code).toBe(1)
    expect(missing.stderr).toMatch(/^error: Expected photos\/000000000007\.png among the images of instances\.json/)
  })

  it('writes one file per photo for VOC and YOLO', async () => {
    expect((await detect('photos', '-f', 'voc', '-o', 'voc')).code).toBe(0)
    expect(readdirSync(join(folder, 'voc')).sort()).toEqual([
      '000000000007.xml',
      'comp4_det_test_cat.txt',
      'comp4_det_test_dog.txt',
      'comp4_det_test_person.txt',
      'photos_b.jpg.xml',
      'photos_more_b.webp.xml',
    ])
    expect((await detect('photos/b.jpg', '-f', 'yolo', '-o', 'yolo')).code).toBe(0)
    expect(readFileSync(join(folder, 'yolo/classes.txt'), 'utf8')).toBe('cat\ndog\nperson\n')
    expect(readFileSync(join(folder, 'yolo/b.txt'), 'utf8')).toMatch(/^[0-2]( \d\.\d{6}){5}\n/)
    writeFileSync(join(folder, 'classes.jpg'), readFileSync(join(photos, 'b.jpg')))
    expect((await detect('classes.jpg', '-f', 'yolo', '-o', 'yolo-classes')).code).toBe(0)
    expect(readdirSync(join(folder, 'yolo-classes')).sort()).toEqual(['classes.jpg.txt', 'classes.txt'])
    const several = await detect('photos', '-f', 'yolo')
    expect([several.code, several.stderr]).toEqual([
      2,
      'error: The yolo format has one file per photo: give the folder for them with --out.\n',
    ])
  })

  it('prints JSON and CSV', async () => {
    const json = JSON.parse((await detect('photos/b.jpg', '-f', 'json', '-s', '0', '-c', 'dog,cat')).stdout)
    expect(json.model).toBe('tiny')
    expect(json.images[0]).toMatchObject({ file: 'photos/b.jpg', width: 160, height: 120 })
    for (const { label } of json.images[0].detections) expect(['dog', 'cat']).toContain(label)
    const csv = (await detect('photos/b.jpg', '-f', 'csv', '-s', '0', '--max', '3')).stdout.trim().split('\n')
    expect(csv).toHaveLength(4)
    expect(csv[0]).toBe('file,label,category_id,score,x,y,width,height')
  })

  it('draws into a file or a folder, in every format', async () => {
    const one = await detect('photos/b.jpg', '--draw', 'drawn.png', '-s', '0')
    expect(one.stderr).toContain('Drawn: drawn.png\n')
    expect(await sharp(join(folder, 'drawn.png')).metadata()).toMatchObject({ format: 'png', width: 160, height: 120 })
    expect((await detect('photos', '--draw', 'drawn', '-s', '0')).code).toBe(0)
    expect(readdirSync(join(folder, 'drawn')).sort()).toEqual([
      '000000000007.jpg',
      'photos_b.jpg.jpg',
      'photos_more_b.webp.jpg',
    ])
    const wrong = await detect('photos/b.jpg', '--draw', 'drawn.bmp')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('".bmp"'.slice(1, 5))])
  })

  it('draws over no photo, and writes over no input', async () => {
    for (const args of [
      ['photos/*.jpg', '--draw', 'photos/../photos'],
      ['photos/b.jpg', '--format', 'json', '--out', 'photos/b.jpg'],
    ]) {
      const { code, stderr } = await detect(...args)
      expect([code, stderr]).toEqual([2, expect.stringContaining('an input, which would be overwritten')])
    }
    const intoFolder = await detect('photos/b.jpg', '--format', 'coco', '--out', 'photos')
    expect([intoFolder.code, intoFolder.stderr]).toEqual([
      1,
      'error: Expected a file to write to but photos is a folder.\n',
    ])
  })

  it('reads standard input', async () => {
    const input = readFileSync(join(photos, 'b.jpg'))
    const { code, stdout } = await runCli(['detect', '-', '--model', model, '--draw', join(folder, 'stdin.jpg')], {
      input,
    })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^stdin {2}160 x 120/)
    expect((await sharp(join(folder, 'stdin.jpg')).metadata()).width).toBe(160)
  })

  it('does the others when some fail, writes them, and lists the failures', async () => {
    writeFileSync(join(folder, 'text.jpg'), 'this is not a picture')
    writeFileSync(join(folder, 'empty.png'), '')
    writeFileSync(join(folder, 'cut.png'), readFileSync(join(photos, '000000000007.png')).subarray(0, 9000))
    mkdirSync(join(folder, 'nothing'), { recursive: true })
    const inputs = ['text.jpg', 'photos/b.jpg', 'empty.png', 'missing.jpg', 'cut.png', 'nothing']
    const { code, stderr } = await detect(...inputs, '-f', 'json', '-o', 'partial.json')
    expect(code).toBe(1)
    const { images } = JSON.parse(readFileSync(join(folder, 'partial.json'), 'utf8'))
    expect(images.map(({ file }: { file: string }) => file)).toEqual(['photos/b.jpg'])
    expect(stderr).toContain('5 failed:\n')
    for (const name of inputs.filter((input) => input !== 'photos/b.jpg')) expect(stderr).toContain(name)
  })

  it('writes what is done when interrupted', async () => {
    const many = Array.from({ length: 40 }, (_, i) => join(photos, i % 2 === 0 ? 'b.jpg' : 'more/b.webp'))
    for (const [i, from] of many.entries()) writeFileSync(join(folder, `many-${i}.jpg`), readFileSync(from))
    const args = ['detect', ...many.map((_, i) => `many-${i}.jpg`), '--model', model, '--device', 'cpu']
    const { code, stdout, stderr } = await runCli(args, { cwd: folder, interruptAt: 'many-3.jpg' })
    expect(code).toBe(130)
    expect(stdout).toContain('many-3.jpg')
    expect(stdout).not.toContain('many-39.jpg')
    expect(stderr).toMatch(/\d+ photos, .*\nInterrupted\.\n$/)
  })

  it.each([
    [['detect'], /missing required argument 'photos'/],
    [['detect', 'x.jpg', '--format', 'xml'], /Allowed choices are table, json, coco, voc, yolo, csv/],
    [['detect', 'x.jpg', '--min-score', '2'], /Expected a number from 0 to 1 but received "2"/],
    [['detect', 'x.jpg', '--device', 'tpu'], /Allowed choices are auto, cuda/],
    [['detect', 'x.jpg', '--max', '0'], /Expected a whole number of at least 1 but received "0"/],
    [['fly'], /unknown command 'fly'/],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stderr } = await runCli(args)
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })

  it('names the labels and the models there are', async () => {
    const label = await detect('photos/b.jpg', '-c', 'cow')
    expect([label.code, label.stderr]).toEqual([
      2,
      'error: Expected labels of this model (cat, dog, person) for classes but received "cow".\n',
    ])
    const unknown = await runCli(['detect', 'photos/b.jpg', '--model', 'nothing-here'], { cwd: folder })
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(/no package @vertebra\/nothing-here/)])
  })

  it('leaves nothing half written where it cannot write', async () => {
    writeFileSync(join(folder, 'a-file'), '')
    const { code, stderr } = await detect('photos/b.jpg', '-f', 'json', '-o', 'a-file/results.json')
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: Expected a folder to write into but a-file is not/),
    ])
  })
})

describe('vertebra features', () => {
  it('writes the maps for NumPy and as heat maps', async () => {
    const args = ['features', 'photos/b.jpg', '--model', model, '--levels', 'c3,p3', '--out', 'maps']
    const { code, stdout } = await runCli(args, { cwd: folder })
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'maps/b.npz',
      'maps/b-c3.png  16 channels, 16 x 12, stride 8',
      'maps/b-p3.png  16 channels, 16 x 12, stride 8',
      '',
    ])
    const arrays = unzipSync(readFileSync(join(folder, 'maps/b.npz')))
    const c3 = arrays['c3.npy'] ?? new Uint8Array()
    expect(c3.length).toBe(128 + 16 * 12 * 16 * 4)
    expect(new TextDecoder().decode(c3.subarray(10, 128))).toContain(
      "'<f4', 'fortran_order': False, 'shape': (16, 12, 16)",
    )
    expect((await sharp(join(folder, 'maps/b-p3.png')).metadata()).width).toBe(160)
  })
})

describe('vertebra info', () => {
  it('describes the model and the devices', async () => {
    const { code, stdout } = await runCli(['info', model, '--size', '160x120'])
    expect(code).toBe(0)
    for (const line of ['tiny: Random weights, for tests.', 'licence', 'G multiply-adds', 'stride 4', 'yes  cpu']) {
      expect(stdout).toContain(line)
    }
    const { summary, devices } = JSON.parse((await runCli(['info', model, '--json'])).stdout)
    expect(summary.graphs).toHaveLength(3)
    expect(devices.at(-1)).toMatchObject({ device: 'cpu', works: true })
    expect((await runCli(['info', model, '--size', 'large'])).code).toBe(2)
  })
})
