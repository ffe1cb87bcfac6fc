import { createHash } from 'node:crypto'
import type { Detector } from '../detector/detector.ts'
import type { PrecisionChoice } from '../detector/precision.ts'
import type { StageTimes } from '../detector/stopwatch.ts'
import { messageOf } from '../errors.ts'
import type { ImageInput } from '../images/decode.node.ts'
import { loadDetector } from '../load/node.ts'
import { peakMemory } from '../peak-memory.node.ts'
import { createPool } from '../pool/create-pool.node.ts'
import type { DetectorPool } from '../pool/pool.node.ts'
import type { Device } from '../runtime/runtime.ts'
import { liveWithParent } from '../worker/live-with-parent.node.ts'
import type { Contender, Turn } from './measure.ts'

export interface VariantChoice {
  readonly model: string
  readonly device: Device
  readonly precision: PrecisionChoice
  /** Size of the pool, or 0 for none. */
  readonly workers: number
}

/** What a process that measures one variant can be asked, one question at a time. */
export interface Questions {
  readonly load: { readonly takes: VariantChoice; readonly gives: Contender['about'] }
  readonly turn: { readonly takes: readonly string[]; readonly gives: Turn }
  /** A pool's memory is in many processes. */
  readonly memory: { readonly takes: undefined; readonly gives: number | null }
}

export type Question = {
  [Name in keyof Questions]: { readonly name: Name; readonly takes: Questions[Name]['takes'] }
}[keyof Questions]

export type Reply = { readonly gives: unknown } | { readonly error: string }

/** Answers the process that started this one, until that one goes. */
export function serveVariant(): void {
  liveWithParent()
  let detector: Detector<ImageInput> | DetectorPool<ImageInput> | undefined

  async function answer(question: Question): Promise<Questions[keyof Questions]['gives']> {
    if (question.name === 'load') {
      const { model, device, precision: wanted, workers } = question.takes
      const start = performance.now()
      detector = await (workers > 0
        ? createPool(model, { device, precision: wanted, size: workers, queue: workers })
        : loadDetector(model, { device, precision: wanted }))
      const { manifest, precision, runtime } = detector
      const load = performance.now() - start
      const hash = createHash('sha256')
      for (const { sha256 } of Object.values(manifest.graphs)) hash.update(sha256)
      return { model: manifest.name, device, workers, precision, sha256: hash.digest('hex'), runtime, load }
    }
    if (detector === undefined) throw new Error('Expected a model to be loaded first.')
    if (question.name === 'memory') return 'size' in detector ? null : peakMemory()
    const start = performance.now()
    const times = await timesOf(detector, question.takes)
    return { milliseconds: performance.now() - start, times }
  }

  process.on('message', async (question: Question) => {
    let reply: Reply
    try {
      reply = { gives: await answer(question) }
    } catch (error) {
      reply = { error: messageOf(error) }
    }
    if (process.connected) process.send?.(reply)
  })
}

/** All at once: a detector alone is given one photo, and a pool sees to its own queue. */
async function timesOf(
  detector: Pick<Detector<ImageInput>, 'detect'>,
  photos: readonly string[],
): Promise<StageTimes[]> {
  return Promise.all(photos.map(async (photo) => (await detector.detect(photo)).times))
}
