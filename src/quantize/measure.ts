import type { GraphName, Manifest } from '../models/manifest.ts'
import type { Model } from '../onnx/model.ts'
import { countOperations, type InputDims } from '../onnx/shapes.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import type { Calibration } from './calibration.ts'
import { type CalibrationPhoto, eachPhoto } from './calibration-photos.ts'
import { asFeeds, GRAPH_NAMES, openGraphs, type PhotoRun, runPhoto } from './detector-graphs.ts'
import { type IntegerOptions, integerGraph } from './integer-graph.ts'
import { layerGroups } from './layers.ts'
import { OutputNoise } from './noise.ts'
import { type Maps, ObservedGraph, type OpenGraph } from './observed-graph.ts'
import { keptGroups, type Sensitivity } from './sensitivity.ts'

/** What float32 gives for some photos: what integers are measured against. */
export interface References {
  readonly manifest: Manifest
  readonly calibration: Calibration
  readonly runs: readonly PhotoRun[]
  readonly open: OpenGraph
}

/** How a graph is best quantised. */
export interface Choice {
  /** Groups of layers that stay in float32. */
  readonly kept: ReadonlySet<string>
  readonly corrected: boolean
  /** Of each group of layers. */
  readonly sensitivities: readonly Sensitivity[]
}

/** Runs the float32 graphs. */
export async function runReferences(
  manifest: Manifest,
  calibration: Calibration,
  photos: readonly CalibrationPhoto[],
  open: OpenGraph,
  options: WorkOptions,
): Promise<References> {
  await using graphs = await openGraphs((graph) => ObservedGraph.open(open, calibration[graph].model))
  const runs: PhotoRun[] = []
  await eachPhoto(photos, 'float32', options, async (photo) => {
    runs.push(await runPhoto(manifest, graphs, photo))
  })
  return { manifest, calibration, runs, open }
}

/**
 * Decides for each graph whether biases are corrected and which groups of layers stay in float32, by the noise at the
 * outputs: of all in integers, and of all but one group, for each group in turn. Backbone and RPN are judged by what the
 * RPN gives, the box head by its own outputs on the proposals of float32.
 */
export async function chooseForms(
  references: References,
  { signal, onProgress }: WorkOptions,
): Promise<Readonly<Record<GraphName, Choice>>> {
  const { calibration } = references
  const form = (graph: GraphName, options: IntegerOptions): Model => integerGraph(calibration[graph], options)
  const network = await lessNoisy(async (corrected) => {
    const models = { backbone: form('backbone', { corrected }), rpn: form('rpn', { corrected }) }
    return (await networkNoise(references, models)).ratio
  })
  const head = await lessNoisy(async (corrected) => (await headNoise(references, form('roiHead', { corrected }))).ratio)
  const base = { backbone: network, rpn: network, roiHead: head }
  const rpn = form('rpn', network)
  const features = await featuresOf(references, form('backbone', network))
  const noiseWith = async (graph: GraphName, model: Model): Promise<OutputNoise> => {
    if (graph === 'roiHead') return headNoise(references, model)
    if (graph === 'rpn') return rpnNoise(references, model, features)
    return networkNoise(references, { backbone: model, rpn })
  }
  const costs = groupCosts(references)
  const all = GRAPH_NAMES.flatMap((graph) => [...costs[graph].keys()].map((group) => ({ graph, group })))
  const sensitivities: (Sensitivity & { readonly graph: GraphName })[] = []
  for (const [i, { graph, group }] of all.entries()) {
    throwIfAborted(signal)
    const { corrected, noise } = base[graph]
    const without = await noiseWith(graph, form(graph, { corrected, kept: new Set([group]) }))
    const gain = noise === 0 ? 0 : 1 - without.ratio / noise
    sensitivities.push({ graph, group, gain, cost: costs[graph].get(group) ?? 0 })
    onProgress?.({ phase: 'sensitivity', done: i + 1, total: all.length, item: group })
  }
  const kept = keptGroups(sensitivities)
  const choice = (graph: GraphName): Choice => {
    const own = sensitivities.filter((each) => each.graph === graph)
    return {
      corrected: base[graph].corrected,
      kept: new Set(own.map(({ group }) => group).filter((group) => kept.has(group))),
      sensitivities: own,
    }
  }
  return { backbone: choice('backbone'), rpn: choice('rpn'), roiHead: choice('roiHead') }
}

/** Whether correcting biases lowers the noise, and the noise that is left. */
async function lessNoisy(
  noiseOf: (corrected: boolean) => Promise<number>,
): Promise<{ readonly corrected: boolean; readonly noise: number }> {
  const [plain, corrected] = [await noiseOf(false), await noiseOf(true)]
  return corrected <= plain ? { corrected: true, noise: corrected } : { corrected: false, noise: plain }
}

/**
 * The share of the detector's multiply-adds of each group of layers that could be in integers; of the box head as if every box
 * were refined.
 */
function groupCosts({
  manifest,
  calibration,
  runs,
}: References): Readonly<Record<GraphName, ReadonlyMap<string, number>>> {
  const costs = {
    backbone: new Map<string, number>(),
    rpn: new Map<string, number>(),
    roiHead: new Map<string, number>(),
  }
  const run = runs.find(({ headFeeds }) => headFeeds !== undefined) ?? runs[0]
  if (!run) return costs
  const passes = { backbone: 1, rpn: 1, roiHead: 1 + (manifest.head.refinements ?? 0) }
  let sum = 0
  for (const graph of GRAPH_NAMES) {
    const { model } = calibration[graph]
    const feeds = { backbone: run.image, rpn: run.network, roiHead: run.headFeeds }[graph]
    if (!feeds) continue
    const groups = new Map([...layerGroups(model)].map(([node, group]) => [node.name, group]))
    for (const { name, multiplyAdds } of countOperations(model, dimsOf(model, feeds)).perNode) {
      const group = groups.get(name) ?? name
      const count = passes[graph] * multiplyAdds
      costs[graph].set(group, (costs[graph].get(group) ?? 0) + count)
      sum += count
    }
  }
  for (const groups of Object.values(costs)) for (const [group, count] of groups) groups.set(group, count / sum)
  return costs
}

function dimsOf({ graph }: Model, feeds: Readonly<Record<string, { readonly dims: readonly number[] }>>): InputDims {
  return Object.fromEntries(graph.inputs.map(({ name }) => [name, feeds[name]?.dims ?? []]))
}

/** The noise of what the RPN gives, and of the maps that RoIs are pooled from. */
export async function networkNoise(
  references: References,
  { backbone, rpn }: Readonly<Record<'backbone' | 'rpn', Model>>,
): Promise<OutputNoise> {
  return rpnNoise(references, rpn, await featuresOf(references, backbone))
}

/** What the backbone gives for each photo. */
async function featuresOf({ runs, open }: References, model: Model): Promise<Maps[]> {
  await using backbone = await ObservedGraph.open(open, model)
  const features: Maps[] = []
  for (const { image } of runs) features.push(await backbone.run(image))
  return features
}

async function rpnNoise(
  { manifest, runs, open }: References,
  model: Model,
  features: readonly Maps[],
): Promise<OutputNoise> {
  const names = new Set([...manifest.roi.levels, ...model.graph.outputs.map(({ name }) => name)])
  const noise = new OutputNoise()
  await using rpn = await ObservedGraph.open(open, model)
  for (const [i, maps] of features.entries()) {
    const given = await rpn.run(asFeeds(maps))
    noise.add([...names], runs[i]?.network ?? {}, { ...maps, ...given })
  }
  return noise
}

/** The noise of class logits and box deltas. */
export async function headNoise({ runs, open }: References, model: Model): Promise<OutputNoise> {
  const names = model.graph.outputs.map(({ name }) => name)
  const noise = new OutputNoise()
  await using head = await ObservedGraph.open(open, model)
  for (const { headFeeds, head: expected } of runs) {
    if (headFeeds) noise.add(names, expected, await head.run(headFeeds))
  }
  return noise
}
