import { readFileSync } from 'node:fs'
import type { Boxes } from '../../src/boxes/boxes.ts'

/** The inputs of test/reference/detection.py, made again bit for bit, and its stored results. */

/** `count` numbers in [0, 1): lowbias32 of index and seed. */
export function noise(seed: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    let x = (Math.imul(i, 0x9e3779b1) + Math.imul(seed, 0x85ebca77)) | 0
    x ^= x >>> 16
    x = Math.imul(x, 0x7feb352d)
    x ^= x >>> 15
    x = Math.imul(x, 0x846ca68b)
    x ^= x >>> 16
    return (x >>> 0) / 2 ** 32
  })
}

export function spread(seed: number, count: number, scale: number, step = 0): Float32Array {
  const values = noise(seed, count).map((u) => (u * 2 - 1) * scale)
  return Float32Array.from(step > 0 ? values.map((v) => Math.floor(v / step) * step) : values)
}

export function randomBoxes(
  seed: number,
  count: number,
  width: number,
  height: number,
  smallest: number,
  largest: number,
): Boxes {
  const u = noise(seed, count * 4)
  const boxes = new Float32Array(count * 4)
  for (let i = 0; i < boxes.length; i += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = u.subarray(i, i + 4)
    const x1 = a * width * 0.9 - 5
    const y1 = b * height * 0.9 - 5
    const corners = [x1, y1, x1 + smallest + c * (largest - smallest), y1 + smallest + d * (largest - smallest)]
    boxes.set(
      corners.map((value) => Math.floor(value * 4) / 4),
      i,
    )
  }
  return boxes
}

export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8'))
}

export function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)
}

export function integers(base64: string): number[] {
  return [...new Int32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)]
}

/** The largest difference; NaN must meet NaN. */
export function largestDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers instead of ${expected.length}`)
  let largest = 0
  for (let i = 0; i < actual.length; i++) {
    const [a, b] = [actual[i] as number, expected[i] as number]
    if (Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b))) continue
    const difference = Math.abs(a - b)
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference)
  }
  return largest
}
