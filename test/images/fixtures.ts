import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import type { RgbImage } from '../../src/images/image.ts'

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url))
}

export async function floats(name: string): Promise<Float32Array> {
  const bytes = await readFile(fixture(name))
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** The pixels of a PNG fixture, by sharp alone. */
export async function pixelsOf(name: string): Promise<RgbImage> {
  const { data, info } = await sharp(fixture(name))
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, data }
}

/** The largest difference of two lists of numbers of the same length. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths differ: ${a.length} and ${b.length}`)
  let largest = 0
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)))
  return largest
}
