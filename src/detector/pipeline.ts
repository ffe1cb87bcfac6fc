import { type DetectedBoxes, postprocess } from '../heads/postprocess.ts'
import { type Proposals, type RpnLevelOutput, selectProposals } from '../heads/proposals.ts'
import type { RgbImage } from '../images/image.ts'
import type { Placement } from '../images/target-size.ts'
import type { Manifest } from '../models/manifest.ts'
import { throwIfAborted } from '../progress.ts'
import type { Tensors } from '../runtime/runtime.ts'
import { type BoxHeadOutput, runBoxHead } from './box-head.ts'
import { requireOutput } from './graph-output.ts'
import { requireNoOverflow } from './half-overflow.ts'
import type { Selection } from './options.ts'
import { poolBoxes } from './pool-boxes.ts'
import type { NetworkRun } from './pooled-maps.ts'
import { prepareInput } from './prepare-input.ts'
import type { Sessions } from './sessions.ts'
import type { Stage, Stopwatch } from './stopwatch.ts'

/** What one run of the pipeline works with. */
export interface PipelineRun {
  readonly manifest: Manifest
  readonly sessions: Pick<Sessions, 'open' | 'precision' | 'roiPooling' | 'pooledMaps'>
  readonly selection: Selection
  readonly stopwatch: Stopwatch
  readonly signal?: AbortSignal | undefined
  readonly onStage?: ((stage: Stage) => void) | undefined
}

interface SecondStage extends BoxHeadOutput {
  readonly proposals: readonly Proposals[]
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

  const padded = { width: dims[3], height: dims[2] }
  const secondStage = async (run: NetworkRun): Promise<SecondStage> => {
    finish('network')
    const { tensors } = run
    const levels = manifest.anchors.levels.map(({ feature }) => rpnOutput(tensors, feature))
    for (const { objectness } of levels) requireNoOverflow(sessions, objectness)
    const proposals = placements.map((placement, image) =>
      selectProposals(
        levels,
        image,
        inputSize(placement),
        padded,
        manifest.anchors,
        manifest.rpn,
        Math.sqrt(placement.scaleX * placement.scaleY),
      ),
    )
    finish('proposals')
    const pooled = poolBoxes(manifest, sessions, run, proposals)
    finish('pooling')
    const head = await runBoxHead(sessions, pooled)
    for (const output of [head.logits, head.deltas]) requireNoOverflow(sessions, output)
    release(tensors)
    finish('head')
    return { ...head, proposals }
  }

  const network = await sessions.open('network')
  const input = { dataType: 'float32', dims, data } as const
  const { logits, deltas, proposals } = sessions.pooledMaps
    ? await sessions.pooledMaps.run(manifest, network, input, secondStage)
    : await secondStage({ tensors: await network.run({ image: input }) })

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

/** Gives back what was held on the device. */
function release(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) if ('held' in tensor) tensor.release()
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
