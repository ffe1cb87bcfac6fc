import type { FeatureInfo } from '../architectures/feature.ts'
import { unexpected } from '../errors.ts'
import type { Placement } from '../images/target-size.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { requireBackbone } from '../models/task.ts'
import { throwIfAborted } from '../progress.ts'
import type { FloatTensor } from '../runtime/runtime.ts'
import { type ExtractOptions, type Features, levelsOf } from './backbone.ts'
import type { FeatureMap } from './feature-map.ts'
import { requireOutput } from './graph-output.ts'
import { requireNoOverflow } from './half-overflow.ts'
import type { DecodeImage } from './platform.ts'
import { prepareInput } from './prepare-input.ts'
import type { Sessions } from './sessions.ts'

/** Runs a photo through the backbone, and through the pyramid when one of its levels is wanted. */
export async function extractFeatures<Input>(
  manifest: ModelManifest,
  sessions: Sessions,
  decode: DecodeImage<Input>,
  input: Input,
  options: ExtractOptions = {},
): Promise<Features> {
  const { signal } = options
  requireBackbone(manifest)
  const known = new Map(levelsOf(manifest).map((level) => [level.name, level]))
  const levels = options.levels ?? manifest.features.map((level) => level.name)
  for (const level of levels) {
    if (!known.has(level)) throw unexpected('levels', `names out of ${[...known.keys()].join(', ')}`, level)
  }
  throwIfAborted(signal)
  const image = await decode(input, { signal })
  const { data, dims, placements } = prepareInput(manifest.input, [image])
  throwIfAborted(signal)
  const session = await sessions.open('backbone')
  throwIfAborted(signal)
  const tensors = await session.run({ image: { dataType: 'float32', dims, data } })
  let all = tensors
  if (levels.some((level) => !(level in tensors))) {
    const rpn = await sessions.open('rpn')
    throwIfAborted(signal)
    const feeds = rpn.inputs.map((name) => [name, { dataType: 'float32', ...requireOutput(tensors, name) }] as const)
    all = { ...tensors, ...(await rpn.run(Object.fromEntries(feeds))) }
  }
  throwIfAborted(signal)
  const placement = placements[0] as Placement
  const maps: Record<string, FeatureMap> = {}
  for (const level of levels) {
    const map = requireOutput(all, level)
    requireNoOverflow(sessions, map.data)
    maps[level] = featureMap(known.get(level) as FeatureInfo, map, placement)
  }
  return maps
}

function featureMap(info: FeatureInfo, { dims, data }: FloatTensor, placement: Placement): FeatureMap {
  const [, channels = 0, height = 0, width = 0] = dims
  return { ...info, channels, height, width, data, placement }
}
