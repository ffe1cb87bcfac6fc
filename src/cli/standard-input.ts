import { addAbortSignal } from 'node:stream'
import { throwIfAborted } from '../progress.ts'

/**
 * All that comes in on standard input.
 *
 * @throws VertebraError `ABORTED`, also while nothing comes, as from a terminal.
 */
export async function readStandardInput(signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of addAbortSignal(signal, process.stdin)) chunks.push(chunk as Buffer)
  } catch (error) {
    throwIfAborted(signal)
    throw error
  }
  return Buffer.concat(chunks)
}
