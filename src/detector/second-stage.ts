import type { Boxes, Size } from '../boxes/boxes.ts'
import type { HeadOutput } from '../heads/postprocess.ts'
import type { Proposals } from '../heads/proposals.ts'
import { refineProposals } from '../heads/refine.ts'
import type { Manifest } from '../models/manifest.ts'
import { type BoxHeadOutput, runBoxHead } from './box-head.ts'
import { requireNoOverflow } from './half-overflow.ts'
import { poolBoxes } from './pool-boxes.ts'
import type { NetworkRun } from './pooled-maps.ts'
import type { Sessions } from './sessions.ts'
import type { Stage } from './stopwatch.ts'

/**
 * Pooling and box head for the proposals of a batch, as often as `manifest.head.refinements` asks for.
 *
 * @param sizes of the images before padding, in pixels of the network's input.
 * @param finish ends a stage.
 * @returns what each image's boxes are made of.
 */
export async function runSecondStage(
  manifest: Pick<Manifest, 'labels' | 'pyramid' | 'roi' | 'head'>,
  sessions: Pick<Sessions, 'open' | 'precision' | 'roiPooling'>,
  network: NetworkRun,
  proposals: readonly Proposals[],
  sizes: readonly Size[],
  finish: (stage: Stage) => void,
): Promise<HeadOutput[]> {
  const { head, labels } = manifest
  const { refinements = 0 } = head
  const columns = labels.length + 1
  const pass = async (boxes: readonly Boxes[]): Promise<BoxHeadOutput> => {
    const pooled = poolBoxes(manifest, sessions, network, boxes)
    finish('pooling')
    const output = await runBoxHead(sessions, pooled)
    for (const values of [output.logits, output.deltas]) requireNoOverflow(sessions, values)
    finish('head')
    return output
  }

  let boxes = proposals.map((each) => each.boxes)
  let { logits, deltas } = await pass(boxes)
  let sum = logits
  for (let i = 0; i < refinements; i++) {
    const outputs = perImage(logits, deltas, boxes, columns)
    boxes = outputs.map((output, image) => refineProposals(output, sizes[image] as Size, head))
    ;({ logits, deltas } = await pass(boxes))
    sum = added(sum, logits)
  }
  return perImage(divided(sum, refinements + 1), deltas, boxes, columns)
}

function added(sum: Float32Array, more: Float32Array): Float32Array {
  return sum.map((value, i) => value + (more[i] as number))
}

function divided(sum: Float32Array, count: number): Float32Array {
  return count === 1 ? sum : sum.map((value) => value / count)
}

/** The rows of each image; those of a batch come image after image. */
function perImage(logits: Float32Array, deltas: Float32Array, boxes: readonly Boxes[], columns: number): HeadOutput[] {
  const rows = logits.length / columns
  const deltaColumns = rows === 0 ? 0 : deltas.length / rows
  let row = 0
  return boxes.map((proposals) => {
    const end = row + proposals.length / 4
    const output = {
      logits: logits.subarray(row * columns, end * columns),
      deltas: deltas.subarray(row * deltaColumns, end * deltaColumns),
      proposals,
    }
    row = end
    return output
  })
}
