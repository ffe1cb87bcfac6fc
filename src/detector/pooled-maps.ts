import type { FeatureInfo } from '../architectures/feature.ts'
import { type MapShape, RoiAlign } from '../heads/roi-align.ts'
import type { Manifest } from '../models/manifest.ts'
import type { DeviceTraits, Feed, FloatTensor, Session, Tensors } from '../runtime/runtime.ts'
import { requireOutput } from './graph-output.ts'

/** What the network gave. */
export interface NetworkRun {
  readonly tensors: Tensors
  /** What pools from its maps, which lie in its memory; without it the head's graph does. */
  readonly align?: RoiAlign | undefined
}

/** Memory that a batch took, and no single photo needs, is given back. */
const MOST_KEPT = 256 * 2 ** 20

/** Shapes of inputs that are remembered. */
const MOST_SHAPES = 64

/**
 * The memory that boxes are pooled from: the network writes its maps there where its device can, and elsewhere they are copied.
 * It is used again for the next photo; of several detections at a time each has its own.
 */
export class PooledMaps {
  readonly #writesInto: boolean
  #free: RoiAlign | undefined
  /** The maps' shapes by those of the input: known after the first photo of a shape. */
  readonly #shapes = new Map<string, readonly MapShape[]>()

  constructor({ writesInto }: Pick<DeviceTraits, 'writesInto'>) {
    this.#writesInto = writesInto
  }

  /** Runs the network, whose pooled levels are channels-last, and `work` while the maps are there. */
  async run<T>(
    { roi, pyramid }: Pick<Manifest, 'roi' | 'pyramid'>,
    network: Session,
    image: Extract<Feed, { dataType: 'float32' }>,
    work: (run: NetworkRun) => Promise<T>,
  ): Promise<T> {
    const align = this.#free ?? new RoiAlign()
    this.#free = undefined
    try {
      const key = image.dims.join()
      const known = this.#writesInto ? this.#shapes.get(key) : undefined
      const into = known && places(roi.levels, known, align.reserve(known))
      const tensors = await network.run({ image }, into)
      if (!into) {
        const maps = roi.levels.map((level) => requireOutput(tensors, level))
        const shapes = maps.map(({ dims }, i) => mapShape(dims, strideOf(pyramid, roi.levels[i])))
        align.reserve(shapes).forEach((memory, i) => {
          memory.set((maps[i] as FloatTensor).data)
        })
        if (this.#shapes.size >= MOST_SHAPES) this.#shapes.clear()
        this.#shapes.set(key, shapes)
      }
      return await work({ tensors, align })
    } finally {
      if (align.bytes <= MOST_KEPT) this.#free = align
    }
  }
}

function places(
  levels: readonly string[],
  shapes: readonly MapShape[],
  memories: readonly Float32Array[],
): Record<string, FloatTensor> {
  return Object.fromEntries(
    levels.map((level, i) => {
      const { images, height, width, channels } = shapes[i] as MapShape
      return [level, { dims: [images, height, width, channels], data: memories[i] as Float32Array }]
    }),
  )
}

function mapShape(dims: readonly number[], stride: number): MapShape {
  const [images = 0, height = 0, width = 0, channels = 0] = dims
  return { images, height, width, channels, stride }
}

function strideOf(pyramid: readonly FeatureInfo[], level: string | undefined): number {
  return (pyramid.find(({ name }) => name === level) as FeatureInfo).stride
}
