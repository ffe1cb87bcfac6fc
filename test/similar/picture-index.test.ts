import { describe, expect, it } from 'vitest'
import { decodePictureIndex, encodePictureIndex, type PictureIndex } from '../../src/similar/picture-index.ts'
import { readSafetensors } from '../../src/weights/containers/safetensors.ts'
import { errorOf } from '../error-of.ts'
import { safetensors } from '../weights/make-safetensors.ts'

const source = { model: 'tiny', graphs: 'a'.repeat(64), level: 'c5', input: '{}' }

function example(count: number): PictureIndex {
  const pictures = Array.from({ length: count }, (_, i) => ({
    name: `ordner/bild "${i}" ü.jpg`,
    size: i,
    modified: 1700000000000.25 + i,
    vector: Float32Array.of(i, i / 3, -1),
  }))
  return { source, pictures }
}

const bytesOf = (index: PictureIndex): Uint8Array => Buffer.concat([...encodePictureIndex(index)])

describe('an index file', () => {
  // More than one piece; none at all.
  it.each([0, 1, 1025])('comes back as it was with %i pictures', (count) => {
    expect(decodePictureIndex(bytesOf(example(count)), 'x')).toEqual(example(count))
  })

  it('is a safetensors file that other programs can read', () => {
    const { tensors, metadata } = readSafetensors(bytesOf(example(2)))
    expect(tensors.get('embeddings')).toMatchObject({ dtype: 'F32', shape: [2, 3] })
    expect(metadata).toMatchObject({ format: 'vertebra-index', model: 'tiny', level: 'c5' })
  })

  it('is refused when it is cut short anywhere', async () => {
    const bytes = bytesOf(example(3))
    for (let length = 0; length < bytes.length; length++) {
      expect(await decodingError(bytes.subarray(0, length))).toMatch(/^DATA_INVALID: Expected photos\.index to be/)
    }
  })

  it.each<[string, Record<string, unknown>, Float32Array, RegExp]>([
    ['of another kind', { __metadata__: { format: 'pt' } }, new Float32Array(0), /format is "pt"/],
    ['whose list is no JSON', file('['), Float32Array.of(1, 2), /no JSON/],
    ['whose list is none', file('{}'), Float32Array.of(1, 2), /list of pictures is none/],
    ['with a picture without a size', file('[["a"]]'), Float32Array.of(1, 2), /picture 0 of its list/],
    ['with a name twice', file('[["a",1,1],["a",1,1]]', [2, 1]), Float32Array.of(1, 2), /picture 1 of its list/],
    ['with fewer rows than pictures', file('[["a",1,1],["b",1,1]]'), Float32Array.of(1, 2), /each of its 2 pictures/],
    ['of one dimension', file('[["a",1,1]]', [2]), Float32Array.of(1, 2), /each of its 1 pictures/],
    ['with a NaN', file('[["a",1,1]]'), Float32Array.of(1, Number.NaN), /number 1 of its vectors is NaN/],
  ])('%s is refused', async (_, header, data, message) => {
    const bytes = safetensors(header, new Uint8Array(data.buffer))
    const error = await decodingError(bytes)
    expect(error).toMatch(/^DATA_INVALID: Expected photos\.index to be/)
    expect(error).toMatch(message)
  })
})

function file(pictures: string, shape = [1, 2]): Record<string, unknown> {
  return {
    __metadata__: { format: 'vertebra-index', version: '1', ...source, pictures },
    embeddings: { dtype: 'F32', shape, data_offsets: [0, 8] },
  }
}

async function decodingError(bytes: Uint8Array): Promise<string> {
  return errorOf((async () => decodePictureIndex(bytes, 'photos.index'))())
}
