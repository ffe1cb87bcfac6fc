import type { FeatureInfo } from '../architectures/feature.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { type BackboneManifest, isFor, requireBackbone } from '../models/task.ts'
import type { WorkOptions } from '../progress.ts'
import { cosineSimilarity, type FeatureMap, poolFeatureMap } from './feature-map.ts'

export interface ExtractOptions extends Omit<WorkOptions, 'onProgress'> {
  /** Names of the wanted levels. Default: all of the backbone, `c2` … `c5`; pyramid levels (`p3` …) only when named. */
  readonly levels?: readonly string[] | undefined
}

export interface EmbedOptions extends Omit<WorkOptions, 'onProgress'> {
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

/** A backbone that was loaded on its own. */
export interface LoadedBackbone<Input> extends Backbone<Input>, AsyncDisposable {
  readonly manifest: BackboneManifest
  /** Frees the model's memory once running calls have ended. */
  dispose(): Promise<void>
}

/** Runs a photo up to the wanted levels. */
export type Extract<Input> = Backbone<Input>['extract']

/** Every level of a model, finest first: the backbone's, then those that only its pyramid has. */
export function levelsOf(manifest: ModelManifest): FeatureInfo[] {
  const { features } = manifest
  const pyramid = isFor(manifest, 'detect') ? manifest.pyramid : []
  return [...features, ...pyramid.filter((level) => features.every(({ name }) => name !== level.name))]
}

export function backboneOf<Input>(manifest: ModelManifest, extract: Extract<Input>): Backbone<Input> {
  async function embed(input: Input, options: EmbedOptions = {}): Promise<Float32Array> {
    const level = options.level ?? (requireBackbone(manifest).features.at(-1) as FeatureInfo).name
    const maps = await extract(input, { signal: options.signal, levels: [level] })
    return poolFeatureMap(maps[level] as FeatureMap)
  }

  return {
    features: levelsOf(manifest),
    extract,
    embed,
    async similar(a, b, options) {
      return cosineSimilarity(await embed(a, options), await embed(b, options))
    },
  }
}
