import { checkCount, checkFraction } from '../checks.ts'
import { unexpected } from '../errors.ts'
import type { DetectorManifest, Manifest } from '../models/manifest.ts'
import type { WorkOptions } from '../progress.ts'

/** How overlapping boxes are thinned out after the box head. */
export const NMS_KINDS = ['per-class', 'agnostic', 'soft-linear', 'soft-gaussian'] as const

export type NmsKind = (typeof NMS_KINDS)[number]

/** What a single call of `detect` may ask for. Everything left out comes from the model's manifest. */
export interface DetectOptions extends WorkOptions {
  /** Keep detections with a score above this, 0 to 1. */
  readonly minScore?: number | undefined
  /** Keep only these labels. */
  readonly classes?: readonly string[] | undefined
  /** Keep at most this many detections, the best ones. */
  readonly maxDetections?: number | undefined
  /** `per-class` lets boxes of different classes overlap, `agnostic` does not, the soft forms lower scores instead. */
  readonly nms?: NmsKind | undefined
  /** Boxes that overlap a better one by more than this IoU go, or with the soft kinds lose score, 0 to 1. Whatever `nms` is. */
  readonly iouThreshold?: number | undefined
}

/** The head's numbers for one call: the manifest's, with the options in their place. */
export interface Selection<Head extends DetectorManifest['head'] = Manifest['head']> {
  readonly head: Head
  /** Indices of the wanted labels, or all when undefined. */
  readonly classes: readonly number[] | undefined
}

/** @throws VertebraError `INVALID_ARGUMENT` that names the option and lists what it accepts. */
export function selectionOf<Head extends DetectorManifest['head']>(
  manifest: Pick<DetectorManifest, 'labels'> & { readonly head: Head },
  options: DetectOptions,
): Selection<Head> {
  const { head } = manifest
  const { nms } = options
  if (nms !== undefined && !NMS_KINDS.includes(nms)) throw unexpected('nms', `one of ${NMS_KINDS.join(', ')}`, nms)
  const kind = nms ?? head.nms.kind
  return {
    head: {
      ...head,
      scoreThreshold: checkFraction('minScore', options.minScore ?? head.scoreThreshold),
      maxDetections: checkCount('maxDetections', options.maxDetections ?? head.maxDetections),
      nms: {
        ...head.nms,
        kind,
        iouThreshold: checkFraction('iouThreshold', options.iouThreshold ?? head.nms.iouThreshold),
      },
    },
    classes: options.classes === undefined ? undefined : classIndices(manifest, options.classes),
  }
}

function classIndices(manifest: Pick<DetectorManifest, 'labels'>, names: readonly string[]): number[] {
  const labels = manifest.labels.map((label) => label.name)
  if (!Array.isArray(names) || names.length === 0) throw unexpected('classes', 'a list of labels', names)
  return names.map((name) => {
    const index = labels.indexOf(name)
    if (index < 0) throw unexpected('classes', `labels of this model (${labels.join(', ')})`, name)
    return index
  })
}
