import { planInput } from '../images/target-size.ts'
import { graphInputs } from '../models/graph-inputs.ts'
import type { GraphName, Manifest } from '../models/manifest.ts'
import { type InputDims, inferShapes } from '../onnx/shapes.ts'
import { batchNormToConvolution } from '../onnx/transforms/batch-norm-to-convolution.ts'
import { equalizeChannels, streamValues } from '../onnx/transforms/equalize-channels.ts'
import { integerLayout } from '../onnx/transforms/integer-layout.ts'
import type { WorkOptions } from '../progress.ts'
import { type CalibrationPhoto, eachPhoto, photoFeed } from './calibration-photos.ts'
import { ChannelStatistics } from './channel-statistics.ts'
import { GRAPH_NAMES, type Graphs, type ObservedGraphs, openGraphs, runPhoto } from './detector-graphs.ts'
import type { CalibratedGraph } from './integer-graph.ts'
import { int8Weights } from './layers.ts'
import { ObservedGraph, type OpenGraph, requireFinite } from './observed-graph.ts'
import { ValueStatistics } from './value-statistics.ts'

/** What calibration found out. */
export type Calibration = Readonly<Record<GraphName, CalibratedGraph>>

/** Values of a photo of the usual shape, for which memory is counted. */
const USUAL_PHOTO = { width: 640, height: 480 }

/**
 * Runs the float32 graphs over photos and collects the range of every value that integer layers read or write. No tensor
 * is kept. Before that, the channels of residual streams are given equal reach.
 *
 * @throws VertebraError `MODEL_INVALID` for a number that is not finite; what decoding and running throw; `ABORTED`.
 */
export async function calibrate(
  manifest: Manifest,
  graphs: Graphs,
  photos: readonly CalibrationPhoto[],
  open: OpenGraph,
  options: WorkOptions,
): Promise<Calibration> {
  const backbone = await equalizedBackbone(manifest, batchNormToConvolution(graphs.backbone), photos, open, options)
  const models: Graphs = {
    backbone,
    rpn: batchNormToConvolution(graphs.rpn),
    roiHead: batchNormToConvolution(graphs.roiHead),
  }
  const statistics = await valueStatistics(manifest, models, photos, open, options)
  const of = (graph: GraphName): CalibratedGraph => {
    const model = models[graph]
    const results = statistics[graph].results()
    const layout = integerLayout(model.graph, () => true)
    return { model, ...results, weights: int8Weights(model, { layout, scales: results.scales }) }
  }
  return { backbone: of('backbone'), rpn: of('rpn'), roiHead: of('roiHead') }
}

async function valueStatistics(
  manifest: Manifest,
  models: Graphs,
  photos: readonly CalibrationPhoto[],
  open: OpenGraph,
  options: WorkOptions,
): Promise<Readonly<Record<GraphName, ValueStatistics>>> {
  const statistics = { backbone: new ValueStatistics(), rpn: new ValueStatistics(), roiHead: new ValueStatistics() }
  await using observed = await openObserved(manifest, models, open)
  await eachPhoto(photos, 'ranges', options, async (photo, name, i) => {
    await runPhoto(manifest, observed, photo, (graph, value, tensor) => {
      requireFinite(value, tensor, name)
      statistics[graph].add(value, tensor, i)
    })
  })
  return statistics
}

/** The graphs with every value of their integer form open to be looked at. */
export async function openObserved(
  manifest: Manifest,
  models: Graphs,
  open: OpenGraph,
  values: Graphs = models,
): Promise<ObservedGraphs & AsyncDisposable> {
  const of = (graph: GraphName): readonly string[] => integerLayout(values[graph].graph, () => true).values
  const dims = usualInputs(manifest, models)
  return openGraphs((graph) => ObservedGraph.open(open, models[graph], of(graph), dims.get(graph)))
}

/** The dimensions of the backbone's input for a photo of the usual shape. */
function usualImage({ input }: Manifest): { image: readonly number[] } {
  const { paddedWidth, paddedHeight } = planInput(input, USUAL_PHOTO.width, USUAL_PHOTO.height)
  return { image: [1, 3, paddedHeight, paddedWidth] }
}

/** The dimensions of what each graph reads for a photo of the usual shape. */
function usualInputs(manifest: Manifest, models: Graphs): Map<GraphName, InputDims> {
  const sizes = new Map<string, readonly number[]>(Object.entries(usualImage(manifest)))
  const inputs = new Map<GraphName, InputDims>()
  for (const name of GRAPH_NAMES) {
    const dims = graphInputs(models[name], manifest, sizes)
    for (const [value, size] of inferShapes(models[name], dims)) sizes.set(value, size)
    inputs.set(name, dims)
  }
  return inputs
}

async function equalizedBackbone(
  manifest: Manifest,
  model: Graphs['backbone'],
  photos: readonly CalibrationPhoto[],
  open: OpenGraph,
  options: WorkOptions,
): Promise<Graphs['backbone']> {
  const values = streamValues(model)
  if (values.length === 0) return model
  const ranges = new Map<string, ChannelStatistics>()
  await using observed = await ObservedGraph.open(open, model, values, usualImage(manifest))
  await eachPhoto(photos, 'channels', options, async (photo, name) => {
    await observed.run(photoFeed(manifest, photo), (value, tensor) => {
      requireFinite(value, tensor, name)
      const known = ranges.get(value) ?? new ChannelStatistics(tensor.dims[1] ?? 1)
      known.add(tensor.dims, tensor.data)
      ranges.set(value, known)
    })
  })
  return equalizeChannels(model, ranges)
}
