import type { Boxes } from '../boxes/boxes.ts'
import { unexpected, type VertebraError } from '../errors.ts'

/** An output of a graph, as numbers. */
export interface OutputTensor {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** Which of a network's boxes are of interest. */
export interface Wanted {
  /** Scores must be above this. */
  readonly scoreThreshold: number
  /** Class indices from 0. Default: all. */
  readonly classes?: ReadonlySet<number> | undefined
}

/** The boxes of one photo before any overlap is looked at. */
export interface Candidates {
  /** Edges, in pixels of the network's input; all are finite. */
  readonly boxes: Boxes
  readonly scores: Float32Array
  /** From 0. */
  readonly classes: Uint16Array
}

/** More classes have no number in {@link Candidates}. */
export const MOST_CLASSES = 65_535

/** Gathers the boxes that are wanted. A score or a box that is not finite is none. */
export class CandidateList {
  readonly #boxes: number[] = []
  readonly #scores: number[] = []
  readonly #classes: number[] = []
  readonly #threshold: number
  readonly #wanted: ReadonlySet<number> | undefined

  constructor({ scoreThreshold, classes }: Wanted) {
    this.#threshold = Math.fround(scoreThreshold)
    this.#wanted = classes
  }

  /** Whether a box of this score and class would be taken. */
  takes(score: number, classIndex: number): boolean {
    return score > this.#threshold && Number.isFinite(score) && (this.#wanted?.has(classIndex) ?? true)
  }

  add(x1: number, y1: number, x2: number, y2: number, score: number, classIndex: number): void {
    if (!this.takes(score, classIndex) || !Number.isFinite(x1 + y1 + x2 + y2)) return
    this.#boxes.push(x1, y1, x2, y2)
    this.#scores.push(score)
    this.#classes.push(classIndex)
  }

  finish(): Candidates {
    return {
      boxes: Float32Array.from(this.#boxes),
      scores: Float32Array.from(this.#scores),
      classes: Uint16Array.from(this.#classes),
    }
  }
}

/**
 * @param shape what the output must be; a name stands for any number
 * @throws VertebraError `MODEL_INVALID` when it is another
 */
export function checkShape(name: string, { dims, data }: OutputTensor, shape: readonly (number | string)[]): void {
  const fits = dims.length === shape.length && shape.every((dim, axis) => typeof dim === 'string' || dim === dims[axis])
  if (!fits || dims.reduce((product, dim) => product * dim, 1) !== data.length) {
    throw wrongOutput(name, `[${shape.join(', ')}]`, dims)
  }
}

/** What a graph gave is not what model.json says of it. */
export function wrongOutput(name: string, expected: string, received: unknown): VertebraError {
  return unexpected(`the output "${name}"`, expected, received, 'MODEL_INVALID')
}
