import type { FeatureInfo } from '../architectures/feature.ts'
import { type BackboneManifest, isFor } from '../models/task.ts'
import type { VectorSource } from './picture-index.ts'

/** What makes the vectors of a model: `level` default the backbone's last. */
export function vectorSource(manifest: BackboneManifest, level?: string): VectorSource {
  const { name, input, features } = manifest
  const { backbone } = manifest.graphs
  const wanted = level ?? (features.at(-1) as FeatureInfo).name
  // Levels that the backbone has not come out of the pyramid.
  const isOwn = features.some((feature) => feature.name === wanted)
  const used = isFor(manifest, 'detect') && !isOwn ? [backbone, manifest.graphs.rpn] : [backbone]
  return {
    model: name,
    graphs: used.map(({ sha256 }) => sha256).join(' '),
    level: wanted,
    input: JSON.stringify(input),
  }
}
