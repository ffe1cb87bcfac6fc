import type { Boxes, Size } from '../boxes/boxes.ts'
import type { HeadOutput } from '../heads/postprocess.ts'
import type { Proposals } from '../heads/proposals.ts'
import { RefinedBoxes } from '../heads/refined-boxes.ts'
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

  const images = proposals.map(({ boxes }) => new RefinedBoxes(boxes))
  for (let refined = 0; ; refined++) {
    const boxes = images.map((image) => image.boxes)
    const predictions = perImage(await pass(boxes), boxes, columns)
    for (const [i, image] of images.entries()) image.add(predictions[i] as BoxHeadOutput)
    if (refined === refinements) {
      return images.map((image, i) => ({ ...image.output(), objectness: (proposals[i] as Proposals).scores }))
    }
    for (const [i, image] of images.entries()) image.refine(sizes[i] as Size, head)
  }
}

/** The rows of each image; those of a batch come image after image. */
function perImage({ logits, deltas }: BoxHeadOutput, boxes: readonly Boxes[], columns: number): BoxHeadOutput[] {
  const rows = logits.length / columns
  const deltaColumns = rows === 0 ? 0 : deltas.length / rows
  let row = 0
  return boxes.map((own) => {
    const end = row + own.length / 4
    const output = {
      logits: logits.subarray(row * columns, end * columns),
      deltas: deltas.subarray(row * deltaColumns, end * deltaColumns),
    }
    row = end
    return output
  })
}
