/** Milliseconds that each stage of a detection took. */
export interface StageTimes {
  /** Reading and decoding the photo. */
  readonly decode: number
  /** Resizing and normalising it into the input tensor. */
  readonly prepare: number
  /** Backbone, pyramid and RPN. */
  readonly network: number
  /** Choosing the proposals. */
  readonly proposals: number
  /** RoI pooling; on a GPU next to nothing, as there it is part of the head's graph. */
  readonly pooling: number
  /** Box head. */
  readonly head: number
  /** Decoding, NMS, back to the photo's pixels. */
  readonly postprocess: number
}

export type Stage = keyof StageTimes

export const STAGES: readonly Stage[] = ['decode', 'prepare', 'network', 'proposals', 'pooling', 'head', 'postprocess']

/** Adds up the time of stages. */
export interface Stopwatch {
  readonly times: StageTimes
  /** Ends the current stage: the time since the last `lap`, or since the start, belongs to it. */
  lap(stage: Stage): void
}

export function createStopwatch(): Stopwatch {
  const times: Record<Stage, number> = {
    decode: 0,
    prepare: 0,
    network: 0,
    proposals: 0,
    pooling: 0,
    head: 0,
    postprocess: 0,
  }
  let last = performance.now()
  return {
    times,
    lap(stage) {
      const now = performance.now()
      times[stage] += now - last
      last = now
    },
  }
}
