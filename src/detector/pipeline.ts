import type { Size } from '../boxes/boxes.ts'
import { type DetectedBoxes, type HeadOutput, postprocess } from '../heads/postprocess.ts'
import { type RpnLevelOutput, selectProposals } from '../heads/proposals.ts'
import type { RgbImage } from '../images/image.ts'
import type { Placement } from '../images/target-size.ts'
import type { Manifest } from '../models/manifest.ts'
import { throwIfAborted } from '../progress.ts'
import type { Tensors } from '../runtime/runtime.ts'
import { requireOutput } from './graph-output.ts'
import { requireNoOverflow } from './half-overflow.ts'
import type { Selection } from './options.ts'
import type { NetworkRun } from './pooled-maps.ts'
import { prepareInput } from './prepare-input.ts'
import { runSecondStage } from './second-stage.ts'
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
  const sizes = placements.map(inputSize)
  const afterNetwork = async (network: NetworkRun): Promise<HeadOutput[]> => {
    const { tensors } = network
    try {
      finish('network')
      const levels = manifest.anchors.levels.map(({ feature }) => rpnOutput(tensors, feature))
      for (const { objectness } of levels) requireNoOverflow(sessions, objectness)
      const proposals = placements.map(({ scaleX, scaleY }, image) =>
        selectProposals(
          levels,
          image,
          sizes[image] as Size,
          padded,
          manifest.anchors,
          manifest.rpn,
          Math.sqrt(scaleX * scaleY),
        ),
      )
      finish('proposals')
      return await runSecondStage(manifest, sessions, network, proposals, sizes, finish)
    } finally {
      release(tensors)
    }
  }

  const network = await sessions.open('network')
  const input = { dataType: 'float32', dims, data } as const
  const outputs = sessions.pooledMaps
    ? await sessions.pooledMaps.run(manifest, network, input, afterNetwork)
    : await afterNetwork({ tensors: await network.run({ image: input }) })

  const detected = outputs.map((output, image) =>
    postprocess(output, sizes[image] as Size, placements[image] as Placement, selection.head, selection.classes),
  )
  finish('postprocess')
  return detected
}

/** Gives back what was held on the device. */
function release(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) if ('held' in tensor) tensor.release()
}

function inputSize({ inputWidth, inputHeight }: Placement): Size {
  return { width: inputWidth, height: inputHeight }
}

function rpnOutput(maps: Tensors, feature: string): RpnLevelOutput {
  const objectness = requireOutput(maps, `objectness_${feature}`)
  const deltas = requireOutput(maps, `deltas_${feature}`)
  const [, , height = 0, width = 0] = objectness.dims
  return { objectness: objectness.data, deltas: deltas.data, height, width }
}
