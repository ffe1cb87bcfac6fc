import { VertebraError } from '../errors.ts'
import type { InputSpec } from '../images/input-spec.ts'
import type { DetectorManifest, ModelManifest } from './manifest.ts'
import { manifestSchema } from './manifest-schema.ts'
import { schemaProblems } from './schema-problems.ts'

/**
 * Checks the text of a `model.json`: first the schema, then what the fields say of each other.
 * @param origin where it came from, for messages.
 * @throws VertebraError `MODEL_INVALID` that names every field that is wrong.
 */
export function parseManifest(json: string, origin: string): ModelManifest {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new VertebraError('MODEL_INVALID', `Expected JSON in ${origin} but it could not be parsed: ${cause}.`, {
      cause,
    })
  }
  const result = manifestSchema.safeParse(value)
  if (!result.success) throw invalid(origin, schemaProblems(manifestSchema, value))
  const problems = contradictions(result.data)
  if (problems.length > 0) throw invalid(origin, problems)
  return result.data
}

function invalid(origin: string, problems: readonly string[]): VertebraError {
  return new VertebraError('MODEL_INVALID', `${origin} is not a valid model manifest: ${problems.join('; ')}.`)
}

function cropProblems({ resize }: InputSpec): string[] {
  if (resize.rule !== 'crop' || resize.size >= Math.max(resize.width, resize.height)) return []
  return [`input.resize: ${resize.width} x ${resize.height} cannot be taken of a side of ${resize.size}`]
}

/** What a schema of single fields cannot say. */
function contradictions(manifest: ModelManifest): string[] {
  if (manifest.task === 'features' || manifest.task === 'classify') return cropProblems(manifest.input)
  if (manifest.task === 'detect-whole') return labelProblems(manifest)
  const problems: string[] = []
  const pyramid = new Map(manifest.pyramid.map((level) => [level.name, level]))
  for (const { feature: level, stride } of manifest.anchors.levels) {
    const known = pyramid.get(level)
    if (!known) problems.push(`anchors.levels: "${level}" is not in pyramid`)
    else if (known.stride !== stride)
      problems.push(`anchors.levels: "${level}" has stride ${stride}, pyramid says ${known.stride}`)
  }
  for (const level of manifest.roi.levels) {
    if (!pyramid.has(level)) problems.push(`roi.levels: "${level}" is not in pyramid`)
  }
  for (const { feature: level, sizes, boxes } of manifest.anchors.levels) {
    const anchors = sizes.length * manifest.anchors.aspectRatios.length
    if (boxes && boxes.length !== anchors)
      problems.push(`anchors.levels: "${level}" has ${boxes.length} boxes, its sizes and ratios say ${anchors}`)
  }
  const perCell = manifest.anchors.levels.map((level) => level.sizes.length)
  if (new Set(perCell).size > 1) problems.push('anchors.levels: every level must have the same number of sizes')
  return [...problems, ...labelProblems(manifest)]
}

function labelProblems({ labels }: DetectorManifest): string[] {
  return new Set(labels.map(({ name }) => name)).size === labels.length ? [] : ['labels: a name occurs twice']
}
