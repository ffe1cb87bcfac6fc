import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { buildBackbone, buildClassifier } from '../../src/architectures/index.ts'
import { imageNetwork } from '../../src/convert/image-network.ts'
import { VertebraError } from '../../src/errors.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import { runModel } from '../architectures/run-model.ts'
import { readPhoto } from './dialect-fixture.ts'

const FOLDER = new URL('../fixtures/classify/', import.meta.url)
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`${name}.h5`, FOLDER)))

/** Red, green, blue less their mean; `side`: the first 64 x 64 pixels, repeated. */
function inputOf({ mean, std }: ReturnType<typeof imageNetwork>, side?: number) {
  const photo = readPhoto()
  const [width, height] = [side ?? photo.width, side ?? photo.height]
  const data = new Float32Array(3 * width * height)
  for (let i = 0; i < data.length; i++) {
    const [channel, cell] = [Math.floor(i / (width * height)), i % (width * height)]
    let [x, y] = [cell % width, Math.floor(cell / width)]
    if (side !== undefined) [x, y] = [x % 64, y % 64]
    const level = photo.data[(y * photo.width + x) * 3 + channel] as number
    data[i] = (level / 255 - (mean[channel] as number)) / (std[channel] as number)
  }
  return { dims: [1, 3, height, width], data }
}

describe.each([
  ['keras-resnet', /^ResNet of 1, 2, 1, 1 units \(stride on the 1x1\) with the names of Keras$/, undefined],
  ['keras-vgg16', /^VGG-16 with the names of Keras$/, 224],
] as const)('%s', (name, title, side) => {
  it('gives the maps and logits of the reference', async () => {
    const network = imageNetwork(readWeights(bytesOf(name), `${name}.h5`))
    expect(network.title).toMatch(title)
    expect(network.classes).toBe(5)
    const expected: Record<string, { shape: number[]; largest: number; values: number[] }> = JSON.parse(
      readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'),
    )
    const { description, weights } = network
    const image = inputOf(network, side)
    const maps = await runModel(buildBackbone(description, weights), { image })
    const { logits } = await runModel(buildClassifier(description, weights, 5), { image })
    for (const [level, { shape, largest, values }] of Object.entries(expected)) {
      const map = level === 'logits' ? logits : maps[level]
      expect(map?.dims, level).toEqual(shape)
      const size = map?.data.length ?? 0
      const errors = values.map((value, i) =>
        Math.abs(value - (map?.data[Math.floor((i * size) / values.length)] as number)),
      )
      expect(Math.max(...errors) / largest, level).toBeLessThan(1e-4)
    }
    expect(weights.unused()).toEqual([])
  })
})

it('names of Keras are read from whatever holds them', () => {
  const { tensors } = readWeights(bytesOf('keras-resnet'), 'keras-resnet.h5')
  const { title } = imageNetwork({ container: 'NumPy archive', tensors, metadata: {} })
  expect(title).toMatch(/with the names of Keras$/)
})

it('a ResNet of Keras without one of its biases is refused, not taken with 0', () => {
  const file = readWeights(bytesOf('keras-resnet'), 'keras-resnet.h5')
  const lost = [...file.tensors.keys()].find((name) => name.endsWith('conv2_block1_1_conv/bias:0'))
  const tensors = new Map([...file.tensors].filter(([name]) => name !== lost))
  expect(tensors.size).toBe(file.tensors.size - 1)
  const { description, weights } = imageNetwork({ ...file, tensors })
  expect(() => buildBackbone(description, weights)).toThrow(
    expect.objectContaining({
      code: 'WEIGHTS_INVALID',
      message: expect.stringMatching(/Expected a tensor "conv2_block1_1_conv\/bias" .*missing/),
    }),
  )
})

describe('HDF5 files', () => {
  const whole = bytesOf('keras-resnet')
  const read = (bytes: Uint8Array) => () => readWeights(bytes, 'model.h5')

  it('that break off anywhere, or lie anywhere in their structure, are refused or still read whole', () => {
    const { tensors } = read(whole)()
    let refused = 0
    const check = (bytes: Uint8Array): void => {
      try {
        const found = read(bytes)()
        expect([...found.tensors.values()].every(({ bytes: data }) => data.length <= whole.length)).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(VertebraError)
        refused++
      }
    }
    expect(tensors.size).toBe(122)
    for (let length = 8; length < whole.length; length += 1997) check(whole.subarray(0, length))
    expect(refused).toBeGreaterThan(100)
    for (let at = 8; at < whole.length; at += 601) {
      const changed = whole.slice()
      changed.fill(0xff, at, at + 4)
      check(changed)
    }
  })

  it('of a newer form, or of another byte order, are refused by name', () => {
    const changed = whole.slice()
    changed[8] = 2
    expect(read(changed)).toThrow(/superblock is 2/)
    expect(read(whole.subarray(0, 8))).toThrow(VertebraError)
  })

  it('whose groups hold themselves end', () => {
    const view = new DataView(whole.slice().buffer)
    const text = Buffer.from(whole.buffer, whole.byteOffset, whole.length)
    // The first entry of the first list of names leads back to the root.
    const list = text.indexOf('SNOD')
    view.setBigUint64(list + 16, view.getBigUint64(64, true), true)
    expect(read(new Uint8Array(view.buffer))).toThrow(/each group once/)
  })

  it('that name one thing twice, or say more than a network has to say, are refused', () => {
    const text = Buffer.from(whole.buffer, whole.byteOffset, whole.length)
    /** Where the entries of a list of as many tensors are. */
    const entriesOf = (count: number): number => {
      let list = text.indexOf('SNOD', text.indexOf('SNOD') + 1)
      while (text.readUInt16LE(list + 6) !== count) list = text.indexOf('SNOD', list + 1)
      return list + 8
    }
    const [two, four] = [entriesOf(2), entriesOf(4)]
    const changed = whole.slice()
    changed.copyWithin(two + 40, two, two + 8)
    expect(read(changed)).toThrow(/one ".+" in the HDF5 file but it has several/)

    // The header of a tensor with empty messages after its own: 65,535 for each of four.
    const most = 65_535
    const tensor = Number(text.readBigUInt64LE(four + 8))
    const size = text.readUInt32LE(tensor + 8)
    const header = Buffer.alloc(16 + size + 8 * most)
    header.set(text.subarray(tensor, tensor + 16 + size))
    header.writeUInt16LE(most, 2)
    header.writeUInt32LE(size + 8 * most, 8)
    const long = Buffer.concat([text, header, header, header, header])
    for (let i = 0; i < 4; i++) long.writeBigUInt64LE(BigInt(text.length + i * header.length), four + 40 * i + 8)
    expect(read(long)).toThrow(/at most 200000 things in an HDF5 file/)
  })

  it('whose overlapping names are many times longer than the file are refused', () => {
    const text = Buffer.from(whole.buffer, whole.byteOffset, whole.length)
    const addressOf = (value: number): Buffer => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(BigInt(value))
      return bytes
    }
    // The first group that holds tensors: its list, the tree above that, and where its names begin.
    let list = text.indexOf('SNOD', text.indexOf('SNOD') + 1)
    while (text.readUInt16LE(list + 6) !== 4) list = text.indexOf('SNOD', list + 1)
    const child = text.indexOf(addressOf(list))
    const heap = Number(text.readBigUInt64LE(text.indexOf(addressOf(child - 32)) + 8))
    const names = Number(text.readBigUInt64LE(heap + 24))

    // Each name is the one before without its first letter.
    const file = (count: number): Buffer => {
      const letters = `${'a'.repeat(4000)}\0`
      const entries = Buffer.alloc(8 + 40 * count)
      entries.write('SNOD')
      entries.writeUInt16LE(count, 6)
      for (let i = 0; i < count; i++) {
        entries.writeBigUInt64LE(BigInt(text.length + i - names), 8 + 40 * i)
        text.copy(entries, 16 + 40 * i, list + 16, list + 24)
      }
      const changed = Buffer.concat([text, Buffer.from(letters), entries])
      changed.writeBigUInt64LE(BigInt(text.length + letters.length), child)
      return changed
    }
    expect(read(file(100))().tensors.size).toBe(122 - 4 + 100)
    expect(read(file(3000))).toThrow(/an HDF5 file whose names are little longer than it is/)
  })
})
