import type { FeatureInfo } from '../architectures/feature.ts'
import { unexpected } from '../errors.ts'
import type { Placement } from '../images/target-size.ts'
import type { Manifest } from '../models/manifest.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import type { FloatTensor } from '../runtime/runtime.ts'
import { cosineSimilarity, type FeatureMap, poolFeatureMap } from './feature-map.ts'
import { requireOutput } from './graph-output.ts'
import type { DecodeImage } from './platform.ts'
import { prepareInput } from './prepare-input.ts'
import type { Sessions } from './sessions.ts'

export interface ExtractOptions extends WorkOptions {
  /** Names of the wanted levels. Default: all of the backbone, `c2` … `c5`; pyramid levels (`p3` …) only when named. */
  readonly levels?: readonly string[] | undefined
}

export interface EmbedOptions extends WorkOptions {
  /** The level whose mean is taken. Default: the backbone's last, `c5`. */
  readonly level?: string | undefined
}

/** The feature maps of one photo, by the names of their levels. */
export type Features = Readonly<Record<string, FeatureMap>>

/** A backbone: photo in, multi-scale feature maps out. */
export interface Backbone<Input> {
  /** Every level that `extract` can give, finest first: the backbone's, then the pyramid's. Nothing is run for it. */
  readonly features: readonly FeatureInfo[]
  /**
   * The feature maps of one photo.
   * @throws VertebraError `INVALID_ARGUMENT` for an unknown level; what decoding and running throw; `ABORTED`.
   * @example
   * const { c4, p3 } = await detector.backbone.extract('street.jpg', { levels: ['c4', 'p3'] })
   * console.log(c4?.channels, c4?.height, c4?.width, c4?.stride)
   */
  extract(image: Input, options?: ExtractOptions): Promise<Features>
  /**
   * One vector for a photo: the mean of each channel of a level over the photo (paper section 3.3, global average pool).
   * @returns as many numbers as the level has channels.
   */
  embed(image: Input, options?: EmbedOptions): Promise<Float32Array>
  /** How alike two photos are: the cosine of their embeddings, -1 to 1. */
  similar(a: Input, b: Input, options?: EmbedOptions): Promise<number>
}

export function createBackbone<Input>(
  manifest: Manifest,
  sessions: Sessions,
  decode: DecodeImage<Input>,
): Backbone<Input> {
  const own = manifest.features
  const features = [...own, ...manifest.pyramid.filter((level) => own.every(({ name }) => name !== level.name))]
  const known = new Map(features.map((level) => [level.name, level]))

  async function extract(input: Input, options: ExtractOptions = {}): Promise<Features> {
    const { signal } = options
    const levels = options.levels ?? own.map((level) => level.name)
    for (const level of levels) {
      if (!known.has(level)) throw unexpected('levels', `names out of ${[...known.keys()].join(', ')}`, level)
    }
    throwIfAborted(signal)
    const image = await decode(input, { signal })
    const { data, dims, placements } = prepareInput(manifest.input, [image])
    throwIfAborted(signal)
    const session = await sessions.open('backbone')
    throwIfAborted(signal)
    let tensors = await session.run({ image: { dataType: 'float32', dims, data } })
    if (levels.some((level) => !(level in tensors))) {
      const rpn = await sessions.open('rpn')
      throwIfAborted(signal)
      const feeds = rpn.inputs.map((name) => [name, { dataType: 'float32', ...requireOutput(tensors, name) }] as const)
      tensors = { ...tensors, ...(await rpn.run(Object.fromEntries(feeds))) }
    }
    throwIfAborted(signal)
    const placement = placements[0] as Placement
    const maps: Record<string, FeatureMap> = {}
    for (const level of levels) {
      maps[level] = featureMap(known.get(level) as FeatureInfo, requireOutput(tensors, level), placement)
    }
    return maps
  }

  async function embed(input: Input, options: EmbedOptions = {}): Promise<Float32Array> {
    const level = options.level ?? (own.at(-1) as FeatureInfo).name
    const maps = await extract(input, { signal: options.signal, levels: [level] })
    return poolFeatureMap(maps[level] as FeatureMap)
  }

  return {
    features,
    extract,
    embed,
    async similar(a, b, options) {
      return cosineSimilarity(await embed(a, options), await embed(b, options))
    },
  }
}

function featureMap(info: FeatureInfo, { dims, data }: FloatTensor, placement: Placement): FeatureMap {
  const [, channels = 0, height = 0, width = 0] = dims
  return {
    ...info,
    channels,
    height,
    width,
    data,
    placement,
  }
}
