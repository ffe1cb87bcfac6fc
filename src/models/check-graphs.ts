import { VertebraError } from '../errors.ts'
import type { Model, ValueInfo } from '../onnx/model.ts'
import type { AnyGraphName, ClassifierManifest, Manifest, ModelManifest } from './manifest.ts'
import { isFor, requireTask } from './task.ts'

type Expected = Readonly<
  Record<string, { readonly dataType: string; readonly rank: number; readonly channels?: number }>
>

/**
 * Checks that a graph has the inputs and outputs the manifest promises.
 * @throws VertebraError `MODEL_INVALID` that names what is missing or different.
 */
export function checkGraphs(manifest: ModelManifest, name: AnyGraphName, model: Model, origin: string): void {
  const { inputs, outputs } = expectedValues(manifest, name)
  const problems = [
    ...differences('input', inputs, model.graph.inputs),
    ...differences('output', outputs, model.graph.outputs),
  ]
  for (const { name: input } of model.graph.inputs) {
    if (!(input in inputs)) problems.push(`input "${input}" is not in the manifest`)
  }
  requireNone(problems, origin)
}

/** @throws VertebraError `MODEL_INVALID` that lists what is wrong with the graph at `origin`. */
export function requireNone(problems: readonly string[], origin: string): void {
  if (problems.length === 0) return
  throw new VertebraError('MODEL_INVALID', `${origin} is not the graph model.json describes: ${problems.join('; ')}.`)
}

const map = (channels: number) => ({ dataType: 'float32', rank: 4, channels })

function expectedValues(model: ModelManifest, name: AnyGraphName): { inputs: Expected; outputs: Expected } {
  const features = Object.fromEntries(model.features.map((level) => [level.name, map(level.channels)]))
  if (name === 'backbone') return { inputs: { image: map(3) }, outputs: features }
  if (isFor(model, 'classify')) return classifierValues(model)
  const manifest = requireTask(model, 'detect')
  const pyramid = Object.fromEntries(manifest.pyramid.map((level) => [level.name, map(level.channels)]))
  if (name === 'rpn') {
    // In the C4 and DC5 forms the pyramid is a level of the backbone itself, and the graph need not repeat it.
    const outputs: Record<string, Expected[string]> = {}
    for (const [level, value] of Object.entries(pyramid)) if (!(level in features)) outputs[level] = value
    for (const { feature, sizes } of manifest.anchors.levels) {
      const anchors = sizes.length * manifest.anchors.aspectRatios.length
      outputs[`objectness_${feature}`] = map(anchors)
      outputs[`deltas_${feature}`] = map(4 * anchors)
    }
    return { inputs: usedFeatures(features, manifest), outputs }
  }
  const inputs: Record<string, Expected[string]> = {}
  for (const level of manifest.roi.levels) {
    const value = pyramid[level]
    if (value) inputs[level] = value
    inputs[`rois_${level}`] = { dataType: 'float32', rank: 2, channels: 4 }
    inputs[`batch_${level}`] = { dataType: 'int64', rank: 1 }
  }
  const columns = manifest.labels.length + 1
  return {
    inputs,
    outputs: {
      class_logits: { dataType: 'float32', rank: 2, channels: columns },
      box_deltas: { dataType: 'float32', rank: 2, channels: manifest.head.classAgnostic ? 4 : 4 * columns },
    },
  }
}

function classifierValues({ features, labels }: ClassifierManifest): { inputs: Expected; outputs: Expected } {
  return {
    inputs: Object.fromEntries(features.slice(-1).map((level) => [level.name, map(level.channels)])),
    outputs: { logits: { dataType: 'float32', rank: 2, channels: labels.length } },
  }
}

/** An RPN may leave out backbone levels (C2 in a pyramid that starts at P3), so only what is there is compared. */
function usedFeatures(features: Expected, manifest: Manifest): Expected {
  const own = manifest.pyramid.filter((level) => level.name in features)
  if (own.length > 0) return Object.fromEntries(own.map(({ name }) => [name, features[name]])) as Expected
  const finest = Math.min(...manifest.pyramid.map((level) => level.stride))
  return Object.fromEntries(
    manifest.features.filter((level) => level.stride >= finest).map((level) => [level.name, features[level.name]]),
  ) as Expected
}

function differences(kind: string, expected: Expected, actual: readonly ValueInfo[]): string[] {
  const found = new Map(actual.map((value) => [value.name, value]))
  const problems: string[] = []
  for (const [name, want] of Object.entries(expected)) {
    const value = found.get(name)
    if (!value) {
      problems.push(`${kind} "${name}" is missing (there are ${actual.map((each) => each.name).join(', ')})`)
      continue
    }
    const channels = value.dims[1]
    if (value.dataType !== want.dataType || value.dims.length !== want.rank) {
      problems.push(
        `${kind} "${name}" should be ${want.dataType} with ${want.rank} dimensions but is ${value.dataType} [${value.dims.join(', ')}]`,
      )
    } else if (want.channels !== undefined && typeof channels === 'number' && channels !== want.channels) {
      problems.push(`${kind} "${name}" should have ${want.channels} channels but has ${channels}`)
    }
  }
  return problems
}
