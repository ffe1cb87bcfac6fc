import { type ChildProcess, fork } from 'node:child_process'
import { throwIfAborted } from '../progress.ts'
import type { Contender } from './measure.ts'
import type { Question, Questions, Reply, VariantChoice } from './serve-variant.node.ts'

/** Enough that filling and emptying the pool weigh little. */
const PHOTOS_PER_WORKER = 4

export interface VariantProcess extends Contender {
  end(): void
}

/**
 * Loads a variant in a process of its own: only then can its memory be told from the others', and a driver that crashes
 * takes nothing with it.
 *
 * @param command script and arguments whose process calls `serveVariant`.
 * @throws Error with the reason when the variant cannot be loaded; VertebraError `ABORTED`.
 */
export async function startVariant(
  [script, ...args]: readonly [string, ...string[]],
  choice: VariantChoice,
  signal: AbortSignal | undefined,
): Promise<VariantProcess> {
  const child = fork(script, args, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const end = (): void => {
    if (child.connected) child.disconnect()
  }
  try {
    const about = await ask(child, 'load', choice, signal)
    return {
      about,
      photosPerTurn: choice.workers > 0 ? PHOTOS_PER_WORKER * choice.workers : 1,
      turn: (photos, stop) => ask(child, 'turn', photos, stop),
      memory: () => ask(child, 'memory', undefined, undefined),
      end,
    }
  } catch (error) {
    end()
    throw error
  }
}

async function ask<Name extends keyof Questions>(
  child: ChildProcess,
  name: Name,
  takes: Questions[Name]['takes'],
  signal: AbortSignal | undefined,
): Promise<Questions[Name]['gives']> {
  throwIfAborted(signal)
  let stopListening = (): void => {}
  try {
    return await new Promise<Questions[Name]['gives']>((resolve, reject) => {
      const onReply = (message: unknown): void => {
        const reply = message as Reply
        if ('error' in reply) reject(new Error(reply.error))
        else resolve(reply.gives as Questions[Name]['gives'])
      }
      const onExit = (code: number | null, ended: string | null): void =>
        reject(new Error(`The process that ran it ended with ${ended ?? `code ${code}`}.`))
      const onAbort = (): void => reject(new Error('aborted'))
      child.once('message', onReply)
      child.once('exit', onExit)
      child.once('error', reject)
      signal?.addEventListener('abort', onAbort)
      stopListening = () => {
        child.off('message', onReply).off('exit', onExit).off('error', reject)
        signal?.removeEventListener('abort', onAbort)
      }
      if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode)
      else child.send({ name, takes } as Question, () => {})
    })
  } catch (error) {
    throwIfAborted(signal)
    throw error
  } finally {
    stopListening()
  }
}
