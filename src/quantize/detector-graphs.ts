import { runPipeline } from '../detector/pipeline.ts'
import type { SessionName } from '../detector/session-name.ts'
import { createStopwatch } from '../detector/stopwatch.ts'
import type { RgbImage } from '../images/image.ts'
import type { GraphName, Manifest } from '../models/manifest.ts'
import type { Model } from '../onnx/model.ts'
import type { Feed, FloatTensor, Session } from '../runtime/runtime.ts'
import type { Maps, ObservedGraph } from './observed-graph.ts'

/** The three graphs of a detector, in the order in which they run. */
export const GRAPH_NAMES: readonly GraphName[] = ['backbone', 'rpn', 'roiHead']

export type Graphs = Readonly<Record<GraphName, Model>>

export type ObservedGraphs = Readonly<Record<GraphName, ObservedGraph>>

/** Opens the three graphs; when one fails, those that are open are disposed of. */
export async function openGraphs(
  open: (graph: GraphName) => Promise<ObservedGraph>,
): Promise<ObservedGraphs & AsyncDisposable> {
  const opened: ObservedGraph[] = []
  const next = async (name: GraphName): Promise<ObservedGraph> => {
    const graph = await open(name)
    opened.push(graph)
    return graph
  }
  const dispose = async (): Promise<void> => {
    for (const graph of opened) await graph[Symbol.asyncDispose]()
  }
  try {
    const graphs = { backbone: await next('backbone'), rpn: await next('rpn'), roiHead: await next('roiHead') }
    return { ...graphs, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** What went into and came out of the graphs for one photo. */
export interface PhotoRun {
  readonly image: Readonly<Record<string, Feed>>
  /** Outputs of backbone and RPN. */
  readonly network: Maps
  /** Pyramid levels and proposals; undefined when there were no proposals. */
  readonly headFeeds: Readonly<Record<string, Feed>> | undefined
  readonly head: Maps
}

/** One photo through the detector, as when it detects. */
export async function runPhoto(
  manifest: Manifest,
  graphs: ObservedGraphs,
  photo: RgbImage,
  observe?: (graph: GraphName, value: string, tensor: FloatTensor) => void,
): Promise<PhotoRun> {
  const run: { -readonly [K in keyof PhotoRun]: PhotoRun[K] } = {
    image: {},
    network: {},
    headFeeds: undefined,
    head: {},
  }
  const network = async (feeds: Readonly<Record<string, Feed>>): Promise<Maps> => {
    run.image = feeds
    run.network = await runNetwork(graphs, feeds, observe)
    return run.network
  }
  const head = async (feeds: Readonly<Record<string, Feed>>): Promise<Maps> => {
    run.headFeeds = feeds
    run.head = await graphs.roiHead.run(feeds, (value, tensor) => observe?.('roiHead', value, tensor))
    return run.head
  }
  const session = (work: typeof network): Session => ({ inputs: [], outputs: [], run: work, async dispose() {} })
  const sessions = {
    open: async (name: SessionName) => session(name === 'network' ? network : head),
    precision: 'float32' as const,
    // Calibration feeds the graphs as they are stored.
    roiPooling: 'operator' as const,
    pooledMaps: undefined,
  }
  const selection = { head: manifest.head, classes: undefined }
  await runPipeline({ manifest, sessions, selection, stopwatch: createStopwatch() }, [photo])
  return run
}

/** Backbone and RPN: the outputs of both. */
async function runNetwork(
  graphs: Pick<ObservedGraphs, 'backbone' | 'rpn'>,
  feeds: Readonly<Record<string, Feed>>,
  observe?: (graph: GraphName, value: string, tensor: FloatTensor) => void,
): Promise<Maps> {
  const features = await graphs.backbone.run(feeds, (value, tensor) => observe?.('backbone', value, tensor))
  const proposals = await graphs.rpn.run(asFeeds(features), (value, tensor) => observe?.('rpn', value, tensor))
  return { ...features, ...proposals }
}

/** Outputs of one graph as inputs of the next. */
export function asFeeds(maps: Maps): Readonly<Record<string, Feed>> {
  return Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, { dataType: 'float32', ...map }]))
}
