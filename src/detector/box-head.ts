import { requireOutput } from './graph-output.ts'
import type { PooledBoxes } from './pool-boxes.ts'
import type { Sessions } from './sessions.ts'

/** One row per proposal, image after image: class logits `[R, K + 1]` and box deltas. */
export interface BoxHeadOutput {
  readonly logits: Float32Array
  readonly deltas: Float32Array
}

const NO_ROWS: BoxHeadOutput = { logits: new Float32Array(0), deltas: new Float32Array(0) }

/** The second stage on pooled boxes, which are undefined where there are none. */
export async function runBoxHead(
  sessions: Pick<Sessions, 'open'>,
  pooled: PooledBoxes | undefined,
): Promise<BoxHeadOutput> {
  if (!pooled) return NO_ROWS
  const session = await sessions.open('roiHead')
  const outputs = await session.run(pooled.feeds)
  const rowsOf = (name: string): Float32Array => pooled.inOrder(requireOutput(outputs, name).data)
  return { logits: rowsOf('class_logits'), deltas: rowsOf('box_deltas') }
}
