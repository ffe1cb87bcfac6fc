import { describe, expect, it } from 'vitest'
import type { RoiSpec } from '../../src/heads/levels.ts'
import { type MapShape, RoiAlign } from '../../src/heads/roi-align.ts'
import { GraphBuilder } from '../../src/onnx/graph.ts'
import { seededRandom } from '../../src/random.ts'
import { runModel } from '../architectures/run-model.ts'

type Pooling = Pick<RoiSpec, 'outputSize' | 'samplingRatio' | 'aligned'>

const MAPS: readonly MapShape[] = [
  { images: 2, height: 19, width: 25, channels: 20, stride: 8 },
  { images: 2, height: 10, width: 13, channels: 20, stride: 16 },
]
const random = seededRandom(5)
const noise = (length: number): Float32Array => Float32Array.from({ length }, () => random() * 2 - 1)

/** Boxes of all sizes, over the borders and far outside. */
function boxes(count: number): Float32Array {
  const all = new Float32Array(count * 4)
  for (let i = 0; i < count; i++) {
    const [x, y, width, height] = [random() * 240 - 20, random() * 180 - 20, random() ** 3 * 250, random() ** 3 * 200]
    all.set([x, y, x + width, y + height], i * 4)
  }
  all.set([0, 0, 0, 0, 10, 10, 10, 10, 0, 0, 200, 152, 900, 900, 950, 950, -90, -90, -80, -80, 100, 900, 150, 950])
  return all
}

/** What ONNX Runtime's own operator gives for the boxes of one map. */
async function expected(
  map: MapShape,
  data: Float32Array,
  rois: Float32Array,
  images: readonly number[],
  how: Pooling,
) {
  const { images: n, channels, height, width } = map
  const graph = new GraphBuilder('roi-align')
  const outputSize = [how.outputSize, how.outputSize] as const
  const pooled = graph.roiAlign(
    graph.input('map', 'float32', [n, channels, height, width]),
    graph.input('rois', 'float32', ['R', 4]),
    graph.input('batch', 'int64', ['R']),
    { outputSize, spatialScale: 1 / map.stride, samplingRatio: how.samplingRatio, aligned: how.aligned },
  )
  graph.output(pooled, 'pooled')
  const results = await runModel(graph.build(), {
    map: { data, dims: [n, channels, height, width] },
    rois: { data: rois, dims: [images.length, 4] },
    batch: { data: BigInt64Array.from(images, BigInt), dims: [images.length] },
  })
  return results.pooled?.data ?? new Float32Array(0)
}

/** [N, C, H, W] of a map that is [N, H, W, C]. */
function channelsFirst(data: Float32Array, { images, height, width, channels }: MapShape): Float32Array {
  const cells = height * width
  return Float32Array.from({ length: images * cells * channels }, (_, i) => {
    const [n, c, cell] = [Math.floor(i / (cells * channels)), Math.floor(i / cells) % channels, i % cells]
    return data[(n * cells + cell) * channels + c] as number
  })
}

describe('RoiAlign', () => {
  it.each<Pooling>([
    { outputSize: 7, samplingRatio: 2, aligned: false },
    { outputSize: 7, samplingRatio: 0, aligned: true },
    { outputSize: 5, samplingRatio: 3, aligned: true },
    { outputSize: 14, samplingRatio: 1, aligned: false },
    { outputSize: 1, samplingRatio: 2, aligned: true },
    { outputSize: 2, samplingRatio: 2, aligned: false },
  ])('equals the operator of ONNX Runtime: %j', async (how) => {
    const align = new RoiAlign()
    const count = 60
    const rois = boxes(count)
    const levels = Uint8Array.from({ length: count }, (_, i) => i % 2)
    const images = Uint32Array.from({ length: count }, (_, i) => (i >> 1) % 2)
    const data = align.reserve(MAPS).map((memory) => {
      memory.set(noise(memory.length))
      return memory.slice()
    })
    const pooled = align.pool({ boxes: rois, levels, images }, how)
    const size = 20 * how.outputSize ** 2
    expect(pooled.length).toBe(count * size)
    for (const [level, map] of MAPS.entries()) {
      const own = Array.from({ length: count }, (_, i) => i).filter((i) => levels[i] === level)
      const some = Float32Array.from(own.flatMap((i) => [...rois.subarray(i * 4, i * 4 + 4)]))
      const numbers = own.map((i) => images[i] as number)
      const wanted = await expected(map, channelsFirst(data[level] as Float32Array, map), some, numbers, how)
      for (const [k, i] of own.entries()) {
        const [row, other] = [pooled.subarray(i * size, (i + 1) * size), wanted.subarray(k * size, (k + 1) * size)]
        const worst = row.reduce((largest, value, j) => Math.max(largest, Math.abs(value - (other[j] as number))), 0)
        expect(worst, `box ${i}: ${rois.subarray(i * 4, i * 4 + 4)}`).toBeLessThan(2e-5)
      }
    }
    expect(pooled.some((value) => value !== 0)).toBe(true)
  })

  it('pools no boxes, and boxes whose corners are NaN to zeros', () => {
    const align = new RoiAlign()
    for (const memory of align.reserve(MAPS)) memory.fill(1)
    const how = { outputSize: 7, samplingRatio: 2, aligned: false }
    expect(
      align.pool({ boxes: new Float32Array(0), levels: new Uint8Array(0), images: new Uint32Array(0) }, how),
    ).toEqual(new Float32Array(0))
    const one = { boxes: new Float32Array(4).fill(Number.NaN), levels: new Uint8Array(1), images: new Uint32Array(1) }
    expect(align.pool(one, how)).toEqual(new Float32Array(20 * 49))
  })

  it('refuses maps larger than its memory can be', () => {
    const huge = { images: 1, height: 40_000, width: 40_000, channels: 4, stride: 8 }
    expect(() => new RoiAlign().reserve([huge])).toThrow('There was not enough memory for the feature maps')
  })
})
