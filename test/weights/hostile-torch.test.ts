import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { readWeights } from '../../src/weights/containers/index.ts'
import { stridedReader } from '../../src/weights/strided.ts'
import { pickleBytes, textOf } from './pickle-bytes.ts'

interface TensorClaim {
  readonly elements?: number
  readonly offset?: number
  readonly shape?: readonly number[]
  readonly strides?: readonly number[]
  readonly key?: string
  /** What stands after the hooks: the text of a pickle. */
  readonly metadata?: Uint8Array
}

const whole = (value: number): Uint8Array =>
  pickleBytes('J', value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255)
const tuple = (values: readonly number[]): Uint8Array => pickleBytes('(', ...values.map(whole), 't')

const flag = (name: string, value: number): Uint8Array => pickleBytes('}', textOf(name), value, 's')

/** The pickle of {"a": tensor}, whose storage is `data/0`. */
function tensorPickle(
  { elements = 4, offset = 0, shape = [4], strides = [1], key = '0', metadata = pickleBytes('') }: TensorClaim,
  count = 1,
): Uint8Array {
  const storage = pickleBytes(
    '(',
    textOf('storage'),
    'ctorch\nFloatStorage\n',
    textOf(key),
    textOf('cpu'),
    whole(elements),
    'tQ',
  )
  const tensor = pickleBytes(
    'ctorch._utils\n_rebuild_tensor_v2\n(',
    storage,
    whole(offset),
    tuple(shape),
    tuple(strides),
    0x89,
    ')',
    metadata,
    'tR',
  )
  const items = Array.from({ length: count }, (_, i) => pickleBytes(textOf(`a${i}`), tensor))
  return pickleBytes('\x80\x04}(', ...items, 'u.')
}

function torchZip(claim: TensorClaim, count = 1): Uint8Array {
  const data = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer)
  return zipSync({ 'm/data.pkl': tensorPickle(claim, count), 'm/data/0': data }, { level: 0 })
}

describe('a tensor of a PyTorch file', () => {
  it('is read when it lies in its storage', () => {
    const { tensors } = readWeights(torchZip({ offset: 1, shape: [3], strides: [1] }), 'a.pth')
    expect(tensors.get('a0')?.bytes.length).toBe(12)
    expect(readWeights(torchZip({ metadata: flag('neg', 0x89) }), 'a.pth').tensors.size).toBe(1)
    expect(readWeights(torchZip({ shape: [0, 9], strides: [9, 1] }), 'a.pth').tensors.get('a0')?.bytes.length).toBe(0)
  })

  it.each<[string, TensorClaim, RegExp]>([
    ['more elements than its storage', { shape: [5] }, /tensor "a0" of shape \[5\].*storage of 4 elements/],
    ['an offset beyond', { offset: 1 }, /offset 1 to lie in its storage/],
    ['strides beyond', { shape: [2, 2], strides: [3, 1] }, /strides \[3,1\]/],
    ['strides of 0, a billion times', { shape: [1_000_000_000], strides: [0] }, /shape \[1000000000\]/],
    ['sizes that overflow', { shape: [2 ** 30, 2 ** 30, 2 ** 30], strides: [0, 0, 0] }, /to lie in its storage/],
    ['a negative size', { shape: [-1] }, /sizes and strides for a tensor/],
    ['a negative stride', { strides: [-1] }, /sizes and strides for a tensor/],
    ['fewer strides than sizes', { shape: [2, 2] }, /one stride per dimension/],
    ['a rank of 33', { shape: new Array(33).fill(1), strides: new Array(33).fill(1) }, /shape and strides/],
    [
      'a negation that is not done',
      { metadata: flag('neg', 0x88) },
      /"neg" still to be applied.*tensor\.resolve_neg\(\)/,
    ],
    ['a conjugation that is not done', { metadata: flag('conj', 0x88) }, /"conj" still to be applied/],
    ['a storage of other size', { elements: 1000 }, /4000 bytes in "m\/data\/0" but received 16/],
    ['a storage that is missing', { key: '1' }, /"m\/data\/1" in the PyTorch file but it is missing/],
    ['a storage outside the folder', { key: '../../x' }, /missing/],
  ])('is refused with %s', (_, claim, message) => {
    expect(() => readWeights(torchZip(claim), 'a.pth')).toThrow(message)
  })

  it('cannot be copied more often than the file is long', () => {
    const transposed = { shape: [2, 2], strides: [1, 2] }
    expect(readWeights(torchZip(transposed), 'a.pth').tensors.get('a0')?.shape).toEqual([2, 2])
    const file = torchZip(transposed, 200)
    expect(readWeights(file, 'a.pth').tensors.size).toBe(200)
    const storage = new Uint8Array(4 * 100 * 100)
    const many = tensorPickle({ elements: 10_000, shape: [100, 100], strides: [1, 100] }, 200)
    const bomb = zipSync({ 'm/data.pkl': many, 'm/data/0': storage }, { level: 0 })
    expect(() => readWeights(bomb, 'a.pth')).toThrow(
      /at most \d+ bytes of tensors that overlap, are transposed or big-endian/,
    )
  })

  it('counts what it copies, big-endian numbers too, and sizes beyond 2^53 as nothing where one is 0', () => {
    const read = stridedReader(8)
    const huge = { shape: [...Array(20).fill(Number.MAX_SAFE_INTEGER), 0], strides: Array(21).fill(0) }
    const number = { dtype: 'F32', offset: 0, shape: [1], strides: [1], isBigEndian: true } as const
    const bytes = Uint8Array.of(1, 2, 3, 4)
    expect(read('a', bytes, { ...number, ...huge }).bytes.length).toBe(0)
    expect([...read('b', bytes, number).bytes]).toEqual([4, 3, 2, 1])
    read('c', bytes, number)
    expect(() => read('d', bytes, number)).toThrow(/at most 8 bytes of tensors/)
  })
})
