import { seededRandom } from '../random.ts'

/**
 * How often each of `images` images is drawn in each of `resamples` draws of as many images with replacement.
 *
 * @returns `[resamples, images]`; each row sums to `images`.
 */
export function drawImages(images: number, resamples: number, seed: number): Uint8Array {
  const counts = new Uint8Array(resamples * images)
  const next = seededRandom(seed)
  for (let row = 0; row < counts.length; row += images) {
    for (let i = 0; i < images; i++) {
      const at = row + Math.floor(next() * images)
      counts[at] = (counts[at] as number) + 1
    }
  }
  return counts
}
