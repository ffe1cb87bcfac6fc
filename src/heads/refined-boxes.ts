import { type Boxes, countBoxes, type Size } from '../boxes/boxes.ts'
import type { PostprocessOptions } from './postprocess.ts'
import { type Pass, type RefinementSpec, refineProposals } from './refine.ts'
import { putRows, takeRows } from './rows.ts'
import { expRow, scoreBound } from './softmax.ts'

/** What the box head makes of boxes, row by row. */
type Predictions = Pick<Pass, 'logits' | 'deltas'>

/** The R boxes of one image on their passes through the box head. */
export class RefinedBoxes {
  /** The proposals of the next pass, in pixels of the network's input. */
  boxes: Boxes
  /** Which of the R they are. */
  #rows: readonly number[]
  /** How many passes each of the R has had. */
  readonly #passes: Uint8Array
  /** Of the R: the sum of their logits, deltas and proposals of the last pass of each. */
  #sum: Pass
  /** The last pass alone, of the boxes that took part. */
  #last: Pass

  constructor(proposals: Boxes) {
    const count = countBoxes(proposals, 'proposals')
    this.boxes = proposals
    this.#rows = Array.from({ length: count }, (_, row) => row)
    this.#passes = new Uint8Array(count)
    this.#sum = { logits: new Float32Array(0), deltas: new Float32Array(0), proposals }
    this.#last = this.#sum
  }

  /** Takes in what the head made of `boxes`. */
  add({ logits, deltas }: Predictions): void {
    const [rows, sum] = [this.#rows, this.#sum]
    this.#last = { logits, deltas, proposals: this.boxes }
    for (const row of rows) (this.#passes[row] as number)++
    if (sum.logits.length === 0) {
      this.#sum = { logits: logits.slice(), deltas: deltas.slice(), proposals: this.boxes.slice() }
      return
    }
    putRows(deltas, sum.deltas, rows)
    putRows(this.boxes, sum.proposals, rows)
    const columns = logits.length / rows.length
    for (const [at, row] of rows.entries()) {
      for (let c = 0, to = row * columns; c < columns; c++, to++) {
        sum.logits[to] = (sum.logits[to] as number) + (logits[at * columns + c] as number)
      }
    }
  }

  /**
   * Puts into `boxes` what the head made of them, as far as `refinementThreshold` finds them worth another pass.
   *
   * @param size of the image before padding, in pixels of the network's input.
   */
  refine(size: Size, rules: RefinementSpec & Pick<PostprocessOptions, 'boxCoder' | 'classAgnostic' | 'minSize'>): void {
    const threshold = rules.refinementThreshold ?? 0
    const { logits } = this.output()
    const columns = logits.length / Math.max(this.#passes.length, 1)
    const exponentials = new Float32Array(columns)
    const going = [...this.#rows.keys()].filter((at) => {
      const start = (this.#rows[at] as number) * columns
      const bound = scoreBound(logits, start, columns)
      return !(bound < threshold || bound / expRow(logits, start, exponentials) < threshold)
    })
    const count = this.#rows.length
    const last = {
      logits: takeRows(this.#last.logits, going, count),
      deltas: takeRows(this.#last.deltas, going, count),
      proposals: takeRows(this.#last.proposals, going, count),
    }
    this.boxes = refineProposals(last, size, rules)
    this.#rows = going.map((at) => this.#rows[at] as number)
  }

  /** Of all R: the mean of the logits of their passes, deltas and proposals of the last that each took part in. */
  output(): Pass {
    const { logits, deltas, proposals } = this.#sum
    const columns = logits.length / Math.max(this.#passes.length, 1)
    const mean = logits.slice()
    for (const [row, passes] of this.#passes.entries()) {
      for (let c = 0, at = row * columns; c < columns; c++, at++) mean[at] = (mean[at] as number) / passes
    }
    return { logits: mean, deltas, proposals }
  }
}
