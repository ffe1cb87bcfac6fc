import { describe, expect, it } from 'vitest'
import { tensorFrom } from '../../src/onnx/tensors.ts'
import { int8Weight } from '../../src/onnx/transforms/int8-weights.ts'
import { seededRandom } from '../../src/random.ts'

function noise(count: number, seed = 1): Float32Array {
  const next = seededRandom(seed)
  return Float32Array.from({ length: count }, () => 2 * next() - 1)
}

const saturate16 = (value: number): number => Math.max(-32768, Math.min(32767, value))

/** The sum of products as AVX2 forms it: two products at a time, in 16 bits that saturate. */
function sumAsAvx2(bytes: number, weights: readonly number[]): number {
  let sum = 0
  for (let k = 0; k < weights.length; k += 2) {
    sum += saturate16(bytes * (weights[k] as number) + bytes * (weights[k + 1] ?? 0))
  }
  return sum
}

describe('int8Weight', () => {
  const [outputs, inputs, side] = [6, 8, 3]
  const source = noise(outputs * inputs * side * side)
  const tensor = tensorFrom(source, [outputs, inputs, side, side])
  const { values, scales } = int8Weight(tensor, 0, 'w')
  const size = inputs * side * side

  it('cannot overflow 16 bits, whatever the activations and in both orders of the weights', () => {
    for (let o = 0; o < outputs; o++) {
      const channel = [...values.subarray(o * size, (o + 1) * size)]
      const channelsLast = channel.map((_, k) => channel[(k % inputs) * side * side + Math.floor(k / inputs)] as number)
      for (const order of [channel, channelsLast]) {
        // The worst a byte can do is 255 for all weights of one sign.
        for (const sign of [1, -1]) {
          const kept = order.map((weight) => (Math.sign(weight) === sign ? weight : 0))
          expect(sumAsAvx2(255, kept)).toBe(255 * kept.reduce((sum, weight) => sum + weight, 0))
        }
      }
    }
  })

  it('overflows without that care, or this test would show nothing', () => {
    const scale = 1 / 127
    const plain = [...source.subarray(0, size)].map((weight) => Math.round(weight / scale)).map((w) => Math.max(w, 0))
    expect(sumAsAvx2(255, plain)).not.toBe(255 * plain.reduce((sum, weight) => sum + weight, 0))
  })

  it('stays close to the weights: evenly spread ones, the worst case, to 1 % of their power', () => {
    let [power, error] = [0, 0]
    source.forEach((weight, i) => {
      power += weight ** 2
      error += (weight - (values[i] as number) * (scales[Math.floor(i / size)] as number)) ** 2
    })
    expect(error / power).toBeLessThan(0.01)
  })

  it('gives weights back exactly that were int8 and have no large neighbours', () => {
    const stored = Int8Array.from(noise(64, 2), (value) => Math.round(value * 60))
    stored[0] = 127
    stored[1] = -100
    const scale = Math.fround(0.013)
    const weights = Float32Array.from(stored, (value) => value * scale)
    const result = int8Weight(tensorFrom(weights, [1, 64]), 0, 'w')
    expect([...result.values]).toEqual([...stored])
    expect(result.scales[0]).toBeCloseTo(scale, 9)
  })

  it('gives a channel of zeros the least scale, which counts its bias', () => {
    const { values, scales } = int8Weight(
      tensorFrom(Float32Array.of(0, 0, 1, -1), [2, 2]),
      0,
      'w',
      Float64Array.of(1e-3, 0),
    )
    expect([...values.subarray(0, 2)]).toEqual([0, 0])
    expect(scales[0]).toBe(Math.fround(1e-3))
  })

  it('reads the columns of a matrix [in, out] as channels', () => {
    const rows = int8Weight(tensorFrom(Float32Array.of(1, 2, 3, 40, 50, 60), [2, 3]), 0, 'w')
    const columns = int8Weight(tensorFrom(Float32Array.of(1, 40, 2, 50, 3, 60), [3, 2]), 1, 'w')
    expect([...columns.scales]).toEqual([...rows.scales])
    expect([columns.values[1], columns.values[3], columns.values[5]]).toEqual([...rows.values.subarray(3)])
  })

  it('has a scale for a channel of zeros, and none below the least one', () => {
    const weight = tensorFrom(Float32Array.of(0, 0, 1e-9, 2e-9), [2, 2])
    const result = int8Weight(weight, 0, 'w', Float64Array.of(0, 1e-6))
    expect(result.scales[0]).toBe(1)
    expect(result.scales[1]).toBeCloseTo(1e-6, 12)
    expect([...result.values]).toEqual([0, 0, 0, 0])
  })
})
