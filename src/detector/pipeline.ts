import type { Boxes } from '../boxes/boxes.ts'
import { assignLevels, groupByLevel, restoreOrder } from '../heads/levels.ts'
import { type DetectedBoxes, postprocess } from '../heads/postprocess.ts'
import { type Proposals, type RpnLevelOutput, selectProposals } from '../heads/proposals.ts'
import type { RgbImage } from '../images/image.ts'
import type { Placement } from '../images/target-size.ts'
import type { Manifest } from '../models/manifest.ts'
import { throwIfAborted } from '../progress.ts'
import type { Feed, FloatTensor } from '../runtime/runtime.ts'
import { requireOutput } from './graph-output.ts'
import type { Selection } from './options.ts'
import { prepareInput } from './prepare-input.ts'
import type { Sessions } from './sessions.ts'
import type { Stage, Stopwatch } from './stopwatch.ts'

type Tensors = Readonly<Record<string, FloatTensor>>

/** What one run of the pipeline works with. */
export interface PipelineRun {
  readonly manifest: Manifest
  readonly sessions: Sessions
  readonly selection: Selection
  readonly stopwatch: Stopwatch
  readonly signal?: AbortSignal | undefined
  readonly onStage?: ((stage: Stage) => void) | undefined
}

/**
 * The way of decoded photos to their boxes, all in one batch: input tensor, network, proposals, box head,
 * post-processing. Photos of different padded sizes share the largest, which changes their borders a little; give
 * photos of one padded size where results must not depend on their company.
 */
export async function runPipeline(run: PipelineRun, images: readonly RgbImage[]): Promise<DetectedBoxes[]> {
  const { manifest, sessions, selection, signal } = run
  const finish = (stage: Stage): void => {
    run.stopwatch.lap(stage)
    run.onStage?.(stage)
    throwIfAborted(signal)
  }

  const { data, dims, placements } = prepareInput(manifest.input, images)
  finish('prepare')

  const network = await sessions.open('network')
  const maps = await network.run({ image: { dataType: 'float32', dims, data } })
  finish('network')

  const levels = manifest.anchors.levels.map(({ feature }) => rpnOutput(maps, feature))
  const padded = { width: dims[3], height: dims[2] }
  const proposals = placements.map((placement, image) =>
    selectProposals(levels, image, inputSize(placement), padded, manifest.anchors, manifest.rpn),
  )
  finish('proposals')

  const { logits, deltas } = await runHead(manifest, sessions, maps, proposals)
  finish('head')

  let row = 0
  const columns = manifest.labels.length + 1
  const deltaColumns = manifest.head.classAgnostic ? 4 : 4 * columns
  const detected = proposals.map(({ boxes, scores }, image) => {
    const placement = placements[image] as Placement
    const end = row + scores.length
    const head = {
      logits: logits.subarray(row * columns, end * columns),
      deltas: deltas.subarray(row * deltaColumns, end * deltaColumns),
      proposals: boxes,
    }
    row = end
    return postprocess(head, inputSize(placement), placement, selection.head, selection.classes)
  })
  finish('postprocess')
  return detected
}

function inputSize({ inputWidth, inputHeight }: Placement): { width: number; height: number } {
  return { width: inputWidth, height: inputHeight }
}

function rpnOutput(maps: Tensors, feature: string): RpnLevelOutput {
  const objectness = requireOutput(maps, `objectness_${feature}`)
  const deltas = requireOutput(maps, `deltas_${feature}`)
  const [, , height = 0, width = 0] = objectness.dims
  return { objectness: objectness.data, deltas: deltas.data, height, width }
}

/** Class logits and box deltas, one row per proposal, image after image. */
async function runHead(
  manifest: Manifest,
  sessions: Sessions,
  maps: Tensors,
  proposals: readonly Proposals[],
): Promise<{ logits: Float32Array; deltas: Float32Array }> {
  const { roi } = manifest
  const all = concatBoxes(proposals)
  // Not every device can run a graph on tensors of size zero.
  if (all.length === 0) return { logits: new Float32Array(0), deltas: new Float32Array(0) }
  const imageOf = proposals.flatMap(({ scores }, image) => Array<bigint>(scores.length).fill(BigInt(image)))
  const { boxes, counts, order } = groupByLevel(all, assignLevels(all, roi), roi.levels.length)

  const feeds: Record<string, Feed> = {}
  let start = 0
  roi.levels.forEach((level, index) => {
    const count = counts[index] ?? 0
    const end = start + count
    const batch = BigInt64Array.from(order.subarray(start, end), (box) => imageOf[box] ?? 0n)
    feeds[level] = { dataType: 'float32', ...requireOutput(maps, level) }
    feeds[`rois_${level}`] = { dataType: 'float32', dims: [count, 4], data: boxes.slice(start * 4, end * 4) }
    feeds[`batch_${level}`] = { dataType: 'int64', dims: [count], data: batch }
    start = end
  })
  const session = await sessions.open('roiHead')
  const outputs = await session.run(feeds)
  return {
    logits: restoreOrder(requireOutput(outputs, 'class_logits').data, order),
    deltas: restoreOrder(requireOutput(outputs, 'box_deltas').data, order),
  }
}

function concatBoxes(proposals: readonly Proposals[]): Boxes {
  const all = new Float32Array(proposals.reduce((length, { boxes }) => length + boxes.length, 0))
  let at = 0
  for (const { boxes } of proposals) {
    all.set(boxes, at)
    at += boxes.length
  }
  return all
}
