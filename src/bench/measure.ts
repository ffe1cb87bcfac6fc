import { STAGES, type StageTimes } from '../detector/stopwatch.ts'
import { messageOf } from '../errors.ts'
import type { WorkOptions } from '../progress.ts'
import { type BenchVariant, figuresOf, stageFigures } from './report.ts'

/** What a variant did in one turn. */
export interface Turn {
  /** Milliseconds of the whole turn. */
  readonly milliseconds: number
  /** Of each photo. */
  readonly times: readonly StageTimes[]
}

/** A model on a device, loaded and ready to be measured. */
export interface Contender {
  readonly about: Pick<BenchVariant, 'model' | 'device' | 'workers' | 'precision' | 'sha256' | 'runtime' | 'load'>
  /** Photos of one turn: several where several are worked on at once. */
  readonly photosPerTurn: number
  turn(photos: readonly string[], signal: AbortSignal | undefined): Promise<Turn>
  /** Bytes of its peak resident memory. */
  memory(): Promise<number | null>
}

export interface MeasureOptions extends WorkOptions {
  /** Rounds go on until so many seconds have passed; at least one. */
  readonly seconds: number
}

/**
 * Measures variants in rounds: in each every variant has one turn, and each round begins with another one, so that whatever
 * else the machine does meets all alike. Each variant's first turn warms it up and does not count. A variant that fails keeps
 * what it has, and the others go on; an abort ends the measuring, not the report.
 *
 * @param photos at least one; they are gone through again and again.
 */
export async function measureVariants(
  contenders: readonly Contender[],
  photos: readonly string[],
  { seconds, signal, onProgress }: MeasureOptions,
): Promise<BenchVariant[]> {
  const states = contenders.map((contender) => ({
    contender,
    next: 0,
    turns: [] as Turn[],
    failure: undefined as string | undefined,
  }))
  const isOver = (): boolean => signal?.aborted === true || states.every(({ failure }) => failure !== undefined)

  async function takeTurn(state: (typeof states)[number], counts: boolean): Promise<void> {
    if (state.failure !== undefined || signal?.aborted) return
    const { contender, next } = state
    const own = Array.from({ length: contender.photosPerTurn }, (_, i) => photos[(next + i) % photos.length] as string)
    try {
      const turn = await contender.turn(own, signal)
      if (!counts) return
      state.turns.push(turn)
      state.next += own.length
    } catch (error) {
      if (!signal?.aborted) state.failure = messageOf(error)
    }
  }

  for (const state of states) await takeTurn(state, false)
  const start = performance.now()
  for (let round = 0; !isOver(); round++) {
    for (let i = 0; i < states.length; i++) {
      await takeTurn(states[(round + i) % states.length] as (typeof states)[number], true)
    }
    const elapsed = (performance.now() - start) / 1000
    onProgress?.({ phase: 'measure', done: Math.min(Math.round(elapsed), seconds), total: seconds })
    if (elapsed >= seconds) break
  }
  const variants: BenchVariant[] = []
  for (const { contender, turns, failure } of states) {
    const memory = failure === undefined ? await contender.memory().catch(() => null) : null
    variants.push({ ...contender.about, memory, ...summarize(turns), failure: failure ?? null })
  }
  return variants
}

function summarize(turns: readonly Turn[]): Pick<BenchVariant, 'photos' | 'photosPerSecond' | 'total' | 'stages'> {
  const times = turns.flatMap((turn) => turn.times)
  if (times.length === 0) return { photos: 0, photosPerSecond: null, total: null, stages: null }
  const milliseconds = turns.reduce((sum, turn) => sum + turn.milliseconds, 0)
  return {
    photos: times.length,
    photosPerSecond: (1000 * times.length) / milliseconds,
    total: figuresOf(times.map((own) => STAGES.reduce((sum, name) => sum + own[name], 0))),
    stages: stageFigures(times),
  }
}
