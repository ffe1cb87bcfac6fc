import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MessageWriter } from '../../src/onnx/wire.ts'
import { partNames, readWeights } from '../../src/weights/containers/index.ts'
import { readBytes, readWeightsOf } from '../../src/weights/read-weights.node.ts'
import { temporaryFolder } from '../tiny-model.ts'

const FLOAT = 1

interface Stored {
  readonly name: string
  readonly dims: readonly number[]
  readonly code?: number
  readonly entries?: Readonly<Record<string, string>>
  readonly raw?: Uint8Array
}

/** An ONNX file of initialisers alone, as onnx.proto numbers its fields. */
function onnx(tensors: readonly Stored[]): Uint8Array {
  const graph = new MessageWriter().string(2, 'g')
  for (const { name, dims, code = FLOAT, entries, raw } of tensors) {
    const tensor = new MessageWriter()
    for (const dim of dims) tensor.int64(1, dim)
    tensor.int64(2, code).string(8, name)
    if (raw) tensor.bytesLater(9, raw.length, () => raw)
    for (const [key, value] of Object.entries(entries ?? {})) {
      tensor.message(13, new MessageWriter().string(1, key).string(2, value))
    }
    if (entries) tensor.int64(14, 1)
    graph.message(5, tensor)
  }
  const opset = new MessageWriter().string(1, '').int64(2, 17)
  return new MessageWriter().int64(1, 8).message(7, graph).message(8, opset).finish()
}

const data = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer)
const weight = (entries: Record<string, string>, dims = [2, 2]): Stored => ({ name: 'w', dims, entries })

describe('ONNX with external data', () => {
  const file = onnx([
    weight({ location: 'model.data', offset: '8', length: '16' }),
    { name: 'v', dims: [6], entries: { location: 'model.data' } },
    { name: 'inside', dims: [1], raw: new Uint8Array(4) },
  ])

  it('is read as views into the file beside it', () => {
    expect(partNames(file)).toEqual(['model.data'])
    const { container, tensors } = readWeights(file, 'model.onnx', new Map([['model.data', data]]))
    expect(container).toBe('ONNX file')
    const w = tensors.get('w')
    expect(w?.shape).toEqual([2, 2])
    expect(w?.bytes.buffer).toBe(data.buffer)
    expect([...new Float32Array(w?.bytes.slice().buffer ?? new ArrayBuffer(0))]).toEqual([3, 4, 5, 6])
    expect(tensors.get('v')?.bytes.length).toBe(24)
    expect(tensors.get('inside')?.shape).toEqual([1])
  })

  it('is found in its folder, also below it', async () => {
    const folder = temporaryFolder()
    await mkdir(join(folder, 'parts'))
    await writeFile(join(folder, 'parts', 'a.bin'), data)
    await writeFile(join(folder, 'model.onnx'), onnx([weight({ location: 'parts/a.bin' })]))
    const path = join(folder, 'model.onnx')
    const { tensors } = await readWeightsOf(path, await readBytes(path))
    expect(tensors.get('w')?.bytes.length).toBe(16)
  })

  it.each<[string, Stored, RegExp]>([
    ['a place above the folder', weight({ location: '../secret' }), /beside the ONNX file .*"\.\.\/secret"/],
    ['a place above, further in', weight({ location: 'a/../../b' }), /beside the ONNX file/],
    ['an absolute place', weight({ location: '/etc/passwd' }), /beside the ONNX file .*"\/etc\/passwd"/],
    ['a drive', weight({ location: 'C:x' }), /beside the ONNX file/],
    ['backslashes', weight({ location: '..\\x' }), /beside the ONNX file/],
    ['no place', weight({ offset: '0' }), /beside the ONNX file .*""/],
    ['an end of text in it', weight({ location: 'a\0b' }), /beside the ONNX file/],
    ['a file that is not there', weight({ location: 'other' }), /the file "other" beside the ONNX file/],
    ['a negative offset', weight({ location: 'model.data', offset: '-4' }), /whole number from 0 as the offset .*"-4"/],
    ['an offset beyond numbers', weight({ location: 'model.data', offset: '9'.repeat(16) }), /offset/],
    ['an offset that is none', weight({ location: 'model.data', offset: '0x10' }), /offset .*"0x10"/],
    [
      'data beyond the file',
      weight({ location: 'model.data', offset: '16' }),
      /24 bytes of "model\.data" but it ends at 32/,
    ],
    ['another length', weight({ location: 'model.data', length: '12' }), /16 bytes for tensor "w" .*received 12/],
    ['a huge shape', weight({ location: 'model.data' }, [2 ** 31, 2 ** 31, 2 ** 31]), /ends at/],
    ['a negative shape', weight({ location: 'model.data' }, [-1]), /whole numbers from 0 as the shape/],
    ['an unknown type', { ...weight({ location: 'model.data' }), code: 99 }, /known element type .*99/],
  ])('%s is refused', (_, tensor, message) => {
    const parts = new Map([['model.data', data]])
    expect(() => readWeights(onnx([tensor]), 'model.onnx', parts)).toThrow(message)
  })

  it('a name twice, no graph, and every cut of the file are refused', () => {
    const parts = new Map([['model.data', data]])
    expect(() =>
      readWeights(onnx([weight({ location: 'model.data' }), weight({ location: 'model.data' })]), 'x', parts),
    ).toThrow(/each initialiser once .*"w"/)
    expect(() => readWeights(new MessageWriter().int64(1, 8).finish(), 'x')).toThrow(/one graph in the ONNX file/)
    for (let length = 1; length < file.length; length++) {
      const cut = file.slice(0, length)
      try {
        expect(readWeights(cut, 'x', parts).tensors.size).toBe(3)
      } catch (error) {
        expect(error).toMatchObject({ code: 'WEIGHTS_INVALID' })
      }
    }
  })
})
