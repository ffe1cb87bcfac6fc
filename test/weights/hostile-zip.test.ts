import { zipSync } from 'fflate'
import { describe, expect, it, vi } from 'vitest'
import { crc32 } from '../../src/weights/containers/crc32.ts'
import { readWeights } from '../../src/weights/containers/index.ts'
import { readZip } from '../../src/weights/containers/zip.ts'

const zip = (files: Record<string, Uint8Array>, level: 0 | 9 = 0): Uint8Array => zipSync(files, { level })
const hello = new TextEncoder().encode('hello, hello, hello, hello')

/** Changes bytes at every place where a signature stands: `offset` counts from the signature. */
function patch(bytes: Uint8Array, signature: string, offset: number, values: readonly number[], nth = 0): Uint8Array {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  let at = -1
  for (let i = 0; i <= nth; i++) at = text.indexOf(signature, at + 1)
  const changed = bytes.slice()
  changed.set(values, at + offset)
  return changed
}

const LOCAL = 'PK\x03\x04'
const CENTRAL = 'PK\x01\x02'
const END = 'PK\x05\x06'

it('crc32 is the one of zip files', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  expect(crc32(new Uint8Array(0))).toBe(0)
})

describe('readZip', () => {
  it('gives stored files as views and inflates the others once', () => {
    const stored = zip({ a: hello, 'b/c': hello })
    const files = readZip(stored)
    expect(files.get('a')?.().buffer).toBe(stored.buffer)
    const open = readZip(zip({ a: hello }, 9)).get('a')
    expect(open?.()).toEqual(hello)
    expect(open?.()).toBe(open?.())
  })

  it.each<[string, Uint8Array, RegExp]>([
    ['a path that leaves', zip({ '../a': hello }), /relative paths.*"\.\.\/a"/],
    ['an absolute path', zip({ '/etc/passwd': hello }), /relative paths/],
    ['a path of Windows', zip({ 'a\\b': hello }), /relative paths/],
    ['a drive', zip({ 'c:a': hello }), /relative paths/],
    ['a header with another name', patch(zip({ ab: hello }), LOCAL, 30, [0x78]), /header of "ab".*"xb"/],
    [
      'a name twice',
      patch(patch(zip({ a: hello, b: hello }), CENTRAL, 46, [0x61], 1), LOCAL, 30, [0x61], 1),
      /"a" is there twice/,
    ],
    ['a directory with another size', patch(zip({ a: hello }), CENTRAL, 24, [5]), /one size for "a"/],
    [
      'sizes beyond the file',
      patch(patch(zip({ a: hello }), CENTRAL, 20, [0, 0, 0, 16, 0, 0, 0, 16]), LOCAL, 18, [0, 0, 0, 16, 0, 0, 0, 16]),
      /"a" to lie between its neighbours/,
    ],
    ['two files over each other', patch(zip({ a: hello, a2: hello }), CENTRAL, 42, [0], 1), /header of "a2"/],
    ['a header at no header', patch(zip({ a: hello }), CENTRAL, 42, [1]), /header at byte 1/],
    ['a header beyond the file', patch(zip({ a: hello }), CENTRAL, 42, [0, 0, 0, 64]), /ends at/],
    ['encryption', patch(zip({ a: hello }), CENTRAL, 8, [1]), /encrypted/],
    ['another compression', patch(zip({ a: hello }), CENTRAL, 10, [12]), /method is 12/],
    ['more files than it has', patch(zip({ a: hello }), END, 8, [9, 0, 9, 0]), /directory of 9 files/],
    ['several disks', patch(zip({ a: hello }), END, 4, [1]), /in one piece/],
    ['a directory elsewhere', patch(zip({ a: hello }), END, 16, [0xff, 0xff]), /directory of 1 files/],
    ['no directory', hello, /directory at the end/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readZip(bytes)).toThrow(message)
    expect(() => readZip(bytes)).toThrow(expect.objectContaining({ code: 'WEIGHTS_INVALID' }))
  })

  it('refuses content that was changed, or that inflates to another size', () => {
    const stored = zip({ a: hello })
    expect(() => readZip(patch(stored, 'hello', 0, [0x48])).get('a')?.()).toThrow(/"a".*checksum is wrong/)
    const deflated = zip({ a: hello }, 9)
    const sized = (size: number) => patch(patch(deflated, CENTRAL, 24, [size]), LOCAL, 22, [size])
    expect(() => readZip(sized(5)).get('a')?.()).toThrow(/5 bytes for "a".*inflates to more/)
    expect(() => readZip(sized(200)).get('a')?.()).toThrow(/200 bytes for "a".*inflates to 26/)
  })

  it('refuses bombs before it inflates them, and stops one that lies about its size', () => {
    const zeros = zip({ 'a.npy': new Uint8Array(20_000_000) }, 9)
    expect(zeros.length).toBeLessThan(50_000)
    expect(() => readWeights(zeros, 'bomb.npz')).toThrow(/at most 100 times as much but it claims 20000000/)
    const lying = patch(patch(zeros, CENTRAL, 24, [0, 4, 0, 0]), LOCAL, 22, [0, 4, 0, 0])
    expect(() => readWeights(lying, 'bomb.npz')).toThrow(/1024 bytes for "a\.npy".*inflates to more/)
  })

  it('says what there is no memory for', () => {
    const open = readZip(zip({ a: hello }, 9)).get('a')
    const Plain = Uint8Array
    vi.stubGlobal(
      'Uint8Array',
      class extends Plain {
        constructor(size: number) {
          if (size === hello.length) throw new RangeError('Array buffer allocation failed')
          super(size)
        }
      },
    )
    try {
      expect(() => open?.()).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }))
      expect(() => open?.()).toThrow(/not enough memory for the 26 bytes of "a" in the zip file/)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('refuses a zip that is neither', () => {
    expect(() => readWeights(zip({ 'a.txt': hello }), 'a.zip')).toThrow(/data\.pkl.*"a\.txt"/)
  })
})
