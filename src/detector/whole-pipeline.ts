import type { DetectedBoxes } from '../heads/postprocess.ts'
import type { RgbImage } from '../images/image.ts'
import type { Placement } from '../images/target-size.ts'
import type { WholeManifest } from '../models/manifest.ts'
import { throwIfAborted } from '../progress.ts'
import type { Feed, Tensors } from '../runtime/runtime.ts'
import type { Candidates, Wanted } from '../whole/candidates.ts'
import { readBoxes } from '../whole/read-boxes.ts'
import { readGrid } from '../whole/read-grid.ts'
import { readQueries } from '../whole/read-queries.ts'
import { selectDetections } from '../whole/select.ts'
import { requireOutput } from './graph-output.ts'
import type { Selection } from './options.ts'
import type { PipelineRun } from './pipeline.ts'
import { prepareInput } from './prepare-input.ts'
import type { Stage } from './stopwatch.ts'

/** How many stages a photo has after its decoding. */
export const WHOLE_STAGES = 3

/** What one run works with. */
interface WholeRun extends Omit<PipelineRun, 'manifest' | 'selection'> {
  readonly manifest: WholeManifest
  readonly selection: Selection<WholeManifest['head']>
}

/** The way of a photo to its boxes through a detector that is one graph: input tensor, graph, what its outputs say. */
export async function runWhole(run: WholeRun, image: RgbImage): Promise<DetectedBoxes> {
  const { manifest, sessions, selection } = run
  const finish = (stage: Stage): void => {
    run.stopwatch.lap(stage)
    run.onStage?.(stage)
    throwIfAborted(run.signal)
  }
  const { data, dims, placements } = prepareInput(manifest.input, [image])
  const placement = placements[0] as Placement
  finish('prepare')

  const session = await sessions.open('network')
  const [, ...plane] = dims
  const { image: input, batched, mask } = manifest.feeds
  const feeds: Record<string, Feed> = { [input]: { dataType: 'float32', dims: batched ? dims : plane, data } }
  if (mask !== undefined) feeds[mask] = maskOf(placement)
  const outputs = await session.run(feeds)
  finish('network')

  const wanted = {
    scoreThreshold: selection.head.scoreThreshold,
    classes: selection.classes && new Set(selection.classes),
  }
  const detected = selectDetections(readOutputs(manifest, outputs, placement, wanted), placement, selection.head)
  finish('postprocess')
  return detected
}

/** 1 where the photo is, 0 in its padding. */
function maskOf({ inputWidth, inputHeight, paddedWidth, paddedHeight }: Placement): Feed {
  const data = new BigInt64Array(paddedWidth * paddedHeight)
  for (let y = 0; y < inputHeight; y++) data.fill(1n, y * paddedWidth, y * paddedWidth + inputWidth)
  return { dataType: 'int64', dims: [1, paddedHeight, paddedWidth], data }
}

function readOutputs(manifest: WholeManifest, tensors: Tensors, placement: Placement, wanted: Wanted): Candidates {
  const { outputs, labels } = manifest
  const output = (name: string) => requireOutput(tensors, name)
  if (outputs.form === 'boxes') {
    const parts = { boxes: output(outputs.boxes), labels: output(outputs.labels), scores: output(outputs.scores) }
    return readBoxes(outputs, parts, labels.length, wanted)
  }
  if (outputs.form === 'grid') {
    const padded = { width: placement.paddedWidth, height: placement.paddedHeight }
    return readGrid(outputs, output(outputs.values), padded, labels.length, wanted)
  }
  const photo = { width: placement.inputWidth, height: placement.inputHeight }
  const parts = { logits: output(outputs.logits), boxes: output(outputs.boxes) }
  return readQueries(outputs, parts, photo, labels.length, wanted)
}
