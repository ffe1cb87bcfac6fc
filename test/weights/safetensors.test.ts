import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VertebraError } from '../../src/errors.ts'
import { readSafetensors } from '../../src/weights/containers/safetensors.ts'
import { safetensors } from './make-safetensors.ts'

const F32 = (name: string, shape: number[], begin: number, end: number) => ({
  [name]: { dtype: 'F32', shape, data_offsets: [begin, end] },
})

describe('readSafetensors', () => {
  it('reads names, types, shapes, metadata and views', () => {
    const data = new Uint8Array(12).map((_, i) => i)
    const header = {
      b: { dtype: 'I8', shape: [4], data_offsets: [8, 12] },
      ...F32('a', [2, 1], 0, 8),
      __metadata__: { k: 'v' },
    }
    const file = safetensors(header, data)
    const { tensors, metadata } = readSafetensors(file)
    expect([...tensors.keys()]).toEqual(['a', 'b'])
    expect(tensors.get('a')).toMatchObject({ dtype: 'F32', shape: [2, 1] })
    expect([...(tensors.get('b')?.bytes ?? [])]).toEqual([8, 9, 10, 11])
    expect(tensors.get('b')?.bytes.buffer).toBe(file.buffer)
    expect(metadata).toEqual({ k: 'v' })
  })

  it('reads a file without tensors, one padded with spaces, and empty and scalar tensors', () => {
    expect(readSafetensors(safetensors('{}')).tensors.size).toBe(0)
    expect(readSafetensors(safetensors('{"__metadata__":{}}      ')).tensors.size).toBe(0)
    const { tensors } = readSafetensors(
      safetensors({ ...F32('empty', [0, 5], 0, 0), ...F32('scalar', [], 0, 4) }, new Uint8Array(4)),
    )
    expect(tensors.get('empty')?.bytes.length).toBe(0)
    expect(tensors.get('scalar')?.bytes.length).toBe(4)
  })

  it('works on a view that does not start at byte 0 of its buffer', () => {
    const file = safetensors(F32('a', [1], 0, 4), new Uint8Array([1, 2, 3, 4]))
    const shifted = new Uint8Array(file.length + 3)
    shifted.set(file, 3)
    expect([...(readSafetensors(shifted.subarray(3)).tensors.get('a')?.bytes ?? [])]).toEqual([1, 2, 3, 4])
  })

  const four = new Uint8Array(4)
  const nested = `{"a":{"dtype":"F32","shape":${'['.repeat(100_000)}${']'.repeat(100_000)},"data_offsets":[0,4]}}`
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /received 0 bytes/],
    ['seven bytes', new Uint8Array(7), /received 7 bytes/],
    ['a header beyond the file', safetensors('{}').subarray(0, 9), /header claims 2 bytes/],
    ['a header of 2^64 - 1 bytes', new Uint8Array(16).fill(255), /header claims 18446744073709551615 bytes/],
    ['another format', new TextEncoder().encode('PK\u0003\u0004 this is a zip file'), /header claims/],
    ['no JSON', safetensors('{oops'), /JSON header/],
    ['no UTF-8', safetensors(new Uint8Array([0x7b, 0xff, 0x7d])), /JSON header/],
    ['an array', safetensors('[]'), /a JSON object/],
    ['null', safetensors('null'), /a JSON object/],
    [
      'a duplicate tensor',
      safetensors(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      ),
      /"a" is there twice/,
    ],
    [
      'a duplicate field',
      safetensors('{"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}'),
      /"dtype" is there twice/,
    ],
    ['deep nesting', safetensors(nested, four), /nesting/],
    ['an entry that is no object', safetensors('{"a":1}'), /tensor "a"/],
    [
      'an unknown type',
      safetensors({ a: { dtype: 'C64', shape: [1], data_offsets: [0, 4] } }, four),
      /dtype of tensor "a".*"C64"/,
    ],
    [
      'a type of the prototype',
      safetensors({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, four),
      /dtype of tensor "a"/,
    ],
    ['a negative dimension', safetensors(F32('a', [-1], 0, 4), four), /shape of tensor "a"/],
    ['a fraction', safetensors(F32('a', [1.5], 0, 4), four), /shape of tensor "a"/],
    ['no shape', safetensors('{"a":{"dtype":"F32","data_offsets":[0,4]}}', four), /shape of tensor "a".*undefined/],
    ['a rank of 40', safetensors(F32('a', new Array(40).fill(1), 0, 4), four), /shape of tensor "a"/],
    ['offsets that go back', safetensors(F32('a', [1], 4, 0), four), /data_offsets of tensor "a"/],
    [
      'a single offset',
      safetensors('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}', four),
      /data_offsets of tensor "a"/,
    ],
    ['offsets beyond the file', safetensors(F32('a', [2], 0, 8), four), /"a" within the 4 bytes/],
    ['100 GB', safetensors(F32('a', [25e9], 0, 100e9), four), /"a" within the 4 bytes/],
    ['a shape that overflows', safetensors(F32('a', [2 ** 32, 2 ** 32], 0, 4), four), /bytes for tensor "a"/],
    [
      'a shape of other size',
      safetensors(F32('a', [3], 0, 4), four),
      /12 bytes for tensor "a" \(F32 \[3\]\) but received 4/,
    ],
    [
      'an overlap',
      safetensors({ ...F32('a', [2], 0, 8), ...F32('b', [1], 4, 8) }, new Uint8Array(8)),
      /tensor "b".*overlaps/,
    ],
    ['a gap', safetensors({ ...F32('a', [1], 0, 4), ...F32('b', [1], 8, 12) }, new Uint8Array(12)), /tensor "b".*gap/],
    ['bytes left over', safetensors(F32('a', [1], 0, 4), new Uint8Array(9)), /4 bytes of tensor data.*received 9/],
    ['metadata that is no text', safetensors('{"__metadata__":{"k":1}}'), /__metadata__ "k"/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(message)
    expect(() => readSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'WEIGHTS_INVALID' }))
  })

  it('answers any damage with a VertebraError or a file whose tensors lie inside it', () => {
    const header = { ...F32('a', [2], 0, 8), ...F32('b', [1, 1], 8, 12), __metadata__: { format: 'pt' } }
    const whole = safetensors(header, new Uint8Array(12))
    const damage = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255), cut: fc.nat(whole.length) })
    fc.assert(
      fc.property(damage, fc.boolean(), ({ at, value, cut }, truncate) => {
        const bytes = truncate ? whole.slice(0, cut) : whole.slice()
        if (!truncate) bytes[at] = value
        try {
          const { tensors } = readSafetensors(bytes)
          const total = [...tensors.values()].reduce((sum, tensor) => sum + tensor.bytes.length, 0)
          expect(total).toBe(12)
        } catch (error) {
          if (!(error instanceof VertebraError)) throw error
          expect(error.code).toBe('WEIGHTS_INVALID')
        }
      }),
      { numRuns: 2000 },
    )
  })
})
