import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeImage } from '../draw/encode.node.ts'
import { seededRandom } from '../random.ts'

/** Shapes that cameras and the web have. */
const SHAPES = [
  [480, 360],
  [360, 480],
  [640, 480],
] as const
const RECTANGLES = 40

/**
 * Pictures to measure with where nobody gave photos: rectangles of many sizes and colours, the same on every machine, as JPEG
 * files in a new temporary folder.
 */
export async function writeSamplePhotos(): Promise<{ readonly folder: string; readonly photos: readonly string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'vertebra-bench-'))
  const photos: string[] = []
  for (const [seed, [width, height]] of SHAPES.entries()) {
    const path = join(folder, `${width}x${height}.jpg`)
    const data = paint(width, height, seed + 1)
    await writeFile(path, await encodeImage({ width, height, data }, { format: 'jpeg' }))
    photos.push(path)
  }
  return { folder, photos }
}

function paint(width: number, height: number, seed: number): Uint8Array {
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const data = new Uint8Array(width * height * 3).fill(128)
  for (let k = 0; k < RECTANGLES; k++) {
    const [left, top] = [below(width), below(height)]
    const [right, bottom] = [
      Math.min(width, left + 8 + below(width / 2)),
      Math.min(height, top + 8 + below(height / 2)),
    ]
    const colour = [below(256), below(256), below(256)]
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) data.set(colour, 3 * (y * width + x))
    }
  }
  return data
}
