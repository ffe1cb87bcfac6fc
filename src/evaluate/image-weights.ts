/**
 * How often each of `images` images is drawn in each of `resamples` draws of as many images with replacement.
 *
 * @returns `[resamples, images]`; each row sums to `images`.
 */
export function drawImages(images: number, resamples: number, seed: number): Uint8Array {
  const counts = new Uint8Array(resamples * images)
  const next = mulberry32(seed)
  for (let row = 0; row < counts.length; row += images) {
    for (let i = 0; i < images; i++) {
      const at = row + Math.floor(next() * images)
      counts[at] = (counts[at] as number) + 1
    }
  }
  return counts
}

/** Tommy Ettinger's mulberry32: uniform in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
