import { describe, expect, it } from 'vitest'
import { randomWeights, zeroWeights } from '../../src/weights/random.ts'
import type { ElementType, StoredTensor } from '../../src/weights/stored-tensor.ts'
import { storedWeights } from '../../src/weights/stored-weights.ts'
import { renameWeights } from '../../src/weights/weights.ts'

function stored(dtype: ElementType, shape: number[], values: ArrayBufferView): StoredTensor {
  return { dtype, shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) }
}

describe('storedWeights', () => {
  it.each<[ElementType, ArrayBufferView, number[]]>([
    ['F64', new Float64Array([1.5, -2]), [1.5, -2]],
    ['F32', new Float32Array([1.5, -2]), [1.5, -2]],
    // 1, -2, the smallest subnormal, the largest number
    ['F16', new Uint16Array([0x3c00, 0xc000, 0x0001, 0x7bff]), [1, -2, 2 ** -24, 65504]],
    ['BF16', new Uint16Array([0x3f80, 0xc000, 0x3eab]), [1, -2, 0.333984375]],
    ['I64', new BigInt64Array([-3n, 2n ** 40n]), [-3, 2 ** 40]],
    ['I32', new Int32Array([-3, 70000]), [-3, 70000]],
    ['U8', new Uint8Array([0, 255]), [0, 255]],
  ])('converts %s', (dtype, values, expected) => {
    const weights = storedWeights(new Map([['a', stored(dtype, [expected.length], values)]]))
    expect([...weights.tensor('a', [expected.length])]).toEqual(expected)
  })

  it('reads F32 that is not aligned to four bytes', () => {
    const bytes = new Uint8Array(9)
    bytes.set(new Uint8Array(new Float32Array([7, 0.25]).buffer), 1)
    const weights = storedWeights(new Map([['a', { dtype: 'F32', shape: [2], bytes: bytes.subarray(1) }]]))
    expect([...weights.tensor('a', [2])]).toEqual([7, 0.25])
  })

  it('dequantises int8 with one scale per output channel', () => {
    const weights = storedWeights(
      new Map([
        ['k', stored('I8', [2, 1, 2], new Int8Array([127, -128, 3, 0]))],
        ['k.scale', stored('F32', [2], new Float32Array([0.5, 2]))],
      ]),
    )
    expect([...weights.tensor('k', [2, 1, 2])]).toEqual([63.5, -64, 6, 0])
    expect(weights.unused()).toEqual([])
  })

  it('lists what nobody asked for', () => {
    const tensor = stored('F32', [1], new Float32Array(1))
    const weights = storedWeights(
      new Map([
        ['b', tensor],
        ['a', tensor],
        ['c', tensor],
      ]),
    )
    weights.tensor('a', [1])
    expect(weights.names()).toEqual(['a', 'b', 'c'])
    expect(weights.unused()).toEqual(['b', 'c'])
  })

  const one = stored('F32', [1, 2], new Float32Array(2))
  it.each<[string, Map<string, StoredTensor>, RegExp]>([
    [
      'a missing tensor',
      new Map([
        ['net.a.bias', one],
        ['head.x', one],
      ]),
      /"net\.a\.weight".*missing.*"net\.a\.bias"/,
    ],
    ['a missing tensor of another scheme', new Map([['x', one]]), /"net\.a\.weight".*missing.*"x"/],
    ['an empty file', new Map(), /"net\.a\.weight".*0 tensors/],
    ['another shape', new Map([['net.a.weight', one]]), /shape \[2\] for tensor "net\.a\.weight".*\[1, 2\]/],
    ['a NaN', new Map([['net.a.weight', stored('F32', [2], new Float32Array([0, Number.NaN]))]]), /element 1 is NaN/],
    [
      'a float64 beyond float32',
      new Map([['net.a.weight', stored('F64', [2], new Float64Array([0, 1e300]))]]),
      /element 1 is Infinity/,
    ],
    [
      'int8 without scale',
      new Map([['net.a.weight', stored('I8', [2], new Int8Array(2))]]),
      /"net\.a\.weight\.scale".*missing/,
    ],
    [
      'a scale of other length',
      new Map([
        ['net.a.weight', stored('I8', [2], new Int8Array(2))],
        ['net.a.weight.scale', one],
      ]),
      /shape \[2\] for tensor "net\.a\.weight\.scale"/,
    ],
  ])('refuses %s', (_, tensors, message) => {
    const read = () => storedWeights(tensors).tensor('net.a.weight', [2])
    expect(read).toThrow(message)
    expect(read).toThrow(expect.objectContaining({ code: 'WEIGHTS_INVALID' }))
  })
})

it('renameWeights asks the source by its own names', () => {
  const source = storedWeights(new Map([['body.a', stored('F32', [1], new Float32Array([4]))]]))
  const weights = renameWeights(source, (name) => name.replace('backbone', 'body'))
  expect(weights.has('backbone.a')).toBe(true)
  expect([...weights.tensor('backbone.a', [1])]).toEqual([4])
  expect(weights.names()).toEqual(['body.a'])
  expect(weights.unused()).toEqual([])
})

describe('randomWeights', () => {
  it('has the variance of He and does not depend on the order of asking', () => {
    const first = randomWeights(5)
    const kernel = first.tensor('conv.weight', [64, 32, 3, 3])
    const second = randomWeights(5)
    second.tensor('other.weight', [4, 4])
    expect(second.tensor('conv.weight', [64, 32, 3, 3])).toEqual(kernel)
    expect(randomWeights(6).tensor('conv.weight', [64, 32, 3, 3])).not.toEqual(kernel)
    const variance = kernel.reduce((sum, value) => sum + value * value, 0) / kernel.length
    expect(variance / (2 / (32 * 9))).toBeCloseTo(1, 1)
    expect(kernel.reduce((sum, value) => sum + value, 0) / kernel.length).toBeCloseTo(0, 2)
  })

  it('makes normalisations the identity', () => {
    const weights = randomWeights()
    expect([...weights.tensor('u.conv1.bn.weight', [2])]).toEqual([1, 1])
    expect([...weights.tensor('u.conv1.bn.running_var', [1])]).toEqual([1])
    expect([...weights.tensor('u.preact.scale', [1])]).toEqual([1])
    expect([...weights.tensor('u.conv1.bn.running_mean', [1])]).toEqual([0])
    expect([...weights.tensor('u.conv1.bias', [1])]).toEqual([0])
  })

  it('refuses a seed that is no whole number', () => {
    expect(() => randomWeights(0.5)).toThrow('Expected a whole number for seed but received 0.5.')
  })
})

it('zeroWeights shares one buffer', () => {
  const weights = zeroWeights()
  const large = weights.tensor('a', [100, 10])
  expect(weights.tensor('b', [3]).buffer).toBe(large.buffer)
  expect(large.length).toBe(1000)
})
