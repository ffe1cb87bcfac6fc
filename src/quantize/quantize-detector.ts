import { unexpected } from '../errors.ts'
import { type LoadedModel, sha256Of } from '../models/load.ts'
import type { GraphFile, GraphName, Manifest } from '../models/manifest.ts'
import { parseManifest } from '../models/parse-manifest.ts'
import { requireTask } from '../models/task.ts'
import { encodeModel } from '../onnx/codec.ts'
import type { Model } from '../onnx/model.ts'
import { dequantizeWeights } from '../onnx/transforms/dequantize-weights.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import type { FloatTensor } from '../runtime/runtime.ts'
import { calibrate, openObserved } from './calibration.ts'
import { type CalibrationPhoto, usablePhotos } from './calibration-photos.ts'
import { asFeeds, GRAPH_NAMES, type Graphs } from './detector-graphs.ts'
import { integerGraph } from './integer-graph.ts'
import { layerGroups } from './layers.ts'
import { type Choice, chooseForms, headNoise, networkNoise, type References, runReferences } from './measure.ts'
import { Noise, type OutputNoise } from './noise.ts'
import type { OpenGraph } from './observed-graph.ts'
import type { GraphReport, QuantizationReport } from './report.ts'

/** A model folder in memory, and how it came about. */
export interface QuantizedDetector {
  readonly manifest: Manifest
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly report: QuantizationReport
}

/** Photos that errors are measured on: each costs one run for every group of layers. */
const MEASURED_PHOTOS = 4

/**
 * Makes the int8 form of a detector: runs its float32 graphs over photos, chooses a range for each value, rounds weights
 * with a scale per output channel, and keeps in float32 what costs more accuracy than it saves time.
 *
 * @param photos a few dozen of the kind the detector is for; unreadable and blank ones are left out with a warning
 * @param open opens a graph on the CPU
 * @returns a model folder whose graphs have the precision `int8`; it has no metrics, as those of the source are not its own
 * @throws VertebraError `INVALID_ARGUMENT` for a model that is int8 already, `DATA_INVALID` without a usable photo,
 * `MODEL_INVALID` for activations that are not finite, `ABORTED`; what reading and running the model throw.
 * @example
 * const model = await openModel(await locateModel('resnet101-voc'))
 * const { files, report } = await quantizeDetector(model, photos, (graph) => runtime.open(encodeModel(graph), 'cpu'))
 */
export async function quantizeDetector(
  model: LoadedModel,
  photos: readonly CalibrationPhoto[],
  open: OpenGraph,
  options: WorkOptions = {},
): Promise<QuantizedDetector> {
  const manifest = requireTask(model.manifest, 'detect')
  refuseInt8(manifest)
  const usable = await usablePhotos(photos, options)
  const graphs = await floatGraphs(model, options)
  const calibration = await calibrate(manifest, graphs, usable.photos, open, options)
  const measured = spread(usable.photos, MEASURED_PHOTOS)
  const references = await runReferences(manifest, calibration, measured, open, options)
  const choices = await chooseForms(references, options)
  const integer = (graph: GraphName): Model =>
    integerGraph(calibration[graph], {
      ...choices[graph],
      int8Weights: manifest.graphs[graph].precision === 'int8-weights',
    })
  const models: Graphs = { backbone: integer('backbone'), rpn: integer('rpn'), roiHead: integer('roiHead') }
  const noise = await valueNoise(references, models, options)
  const outputs = { network: await networkNoise(references, models), head: await headNoise(references, models.roiHead) }
  throwIfAborted(options.signal)
  return {
    ...(await modelFolder(manifest, models, usable.photos.length)),
    report: {
      photos: usable.photos.length,
      measuredPhotos: measured.length,
      warnings: usable.warnings,
      graphs: GRAPH_NAMES.map((graph) => graphReport(graph, references, choices[graph], noise[graph], outputs)),
    },
  }
}

function refuseInt8({ name, graphs }: Manifest): void {
  if (Object.values(graphs).every(({ precision }) => precision !== 'int8')) return
  throw unexpected('model', 'one that computes in float32', `${name}, which computes in int8 already`)
}

async function floatGraphs(model: LoadedModel, options: WorkOptions): Promise<Graphs> {
  const load = async (graph: GraphName): Promise<Model> => dequantizeWeights(await model.graph(graph, options))
  return { backbone: await load('backbone'), rpn: await load('rpn'), roiHead: await load('roiHead') }
}

/** Up to `count` items from all over a list. */
export function spread<Item>(items: readonly Item[], count: number): Item[] {
  const wanted = Math.min(count, items.length)
  return Array.from({ length: wanted }, (_, i) => items[Math.floor((i * items.length) / wanted)] as Item)
}

/** The noise of every value that is bytes: both forms run side by side, so that few tensors are there at a time. */
async function valueNoise(
  { manifest, calibration, runs, open }: References,
  models: Graphs,
  { signal, onProgress }: WorkOptions,
): Promise<Readonly<Record<GraphName, ReadonlyMap<string, Noise>>>> {
  const floats = {
    backbone: calibration.backbone.model,
    rpn: calibration.rpn.model,
    roiHead: calibration.roiHead.model,
  }
  const noise = { backbone: new Map<string, Noise>(), rpn: new Map<string, Noise>(), roiHead: new Map<string, Noise>() }
  const compare = (graph: GraphName) => (value: string, expected: FloatTensor, actual: FloatTensor) => {
    const known = noise[graph].get(value) ?? new Noise()
    known.add(expected.data, actual.data)
    noise[graph].set(value, known)
  }
  await using expected = await openObserved(manifest, floats, open)
  await using actual = await openObserved(manifest, models, open, floats)
  for (const [i, { image, headFeeds }] of runs.entries()) {
    throwIfAborted(signal)
    const maps = await expected.backbone.runBeside(actual.backbone, [image, image], compare('backbone'))
    await expected.rpn.runBeside(actual.rpn, [asFeeds(maps[0]), asFeeds(maps[1])], compare('rpn'))
    if (headFeeds) await expected.roiHead.runBeside(actual.roiHead, [headFeeds, headFeeds], compare('roiHead'))
    onProgress?.({ phase: 'error', done: i + 1, total: runs.length })
  }
  return noise
}

function graphReport(
  graph: GraphName,
  { calibration }: References,
  { corrected, kept, sensitivities }: Choice,
  noise: ReadonlyMap<string, Noise>,
  outputs: { readonly network: OutputNoise; readonly head: OutputNoise },
): GraphReport {
  const own = new Set(calibration[graph].model.graph.outputs.map(({ name }) => name))
  const groups = new Map(
    [...layerGroups(calibration[graph].model)].map(([node, group]) => [node.outputs[0] ?? '', group]),
  )
  const given = graph === 'roiHead' ? outputs.head : outputs.network
  return {
    graph,
    biasesCorrected: corrected,
    values: [...calibration[graph].ranges].map(([value, range]) => ({
      value,
      group: groups.get(value),
      ...range,
      decibels: noise.get(value)?.decibels ?? null,
    })),
    groups: sensitivities.map(({ group, gain, cost }) => ({ group, gain, cost, kept: kept.has(group) })),
    outputs: Object.fromEntries(
      [...given.outputs].filter(([name]) => own.has(name)).map(([name, { decibels }]) => [name, decibels]),
    ),
  }
}

async function modelFolder(
  manifest: Manifest,
  models: Graphs,
  photos: number,
): Promise<Pick<QuantizedDetector, 'manifest' | 'files'>> {
  const files = new Map<string, Uint8Array>()
  const graphs: Record<GraphName, GraphFile> = { ...manifest.graphs }
  for (const graph of GRAPH_NAMES) {
    const { file } = manifest.graphs[graph]
    const content = encodeModel(models[graph])
    files.set(file, content)
    graphs[graph] = { file, bytes: content.byteLength, sha256: await sha256Of(content), precision: 'int8' }
  }
  const { weights } = manifest.source
  const json = JSON.stringify(
    {
      ...manifest,
      name: `${manifest.name}-int8`,
      source: { ...manifest.source, weights: `${weights}; quantized to int8 with ${photos} photos` },
      metrics: [],
      graphs,
    },
    undefined,
    2,
  )
  files.set('model.json', new TextEncoder().encode(`${json}\n`))
  return { manifest: requireTask(parseManifest(json, 'model.json'), 'detect'), files }
}
