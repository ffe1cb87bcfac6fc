import { invalidWeights } from '../weights/stored-tensor.ts'
import type { Weights } from '../weights/weights.ts'
import { type Checkpoint, outputsOf } from './checkpoint.ts'

/** Where the two logits of anchor a stand among 2A rows: background then foreground of all, or of each anchor in turn. */
export type LogitPairs = 'halves' | 'interleaved'

/**
 * The anchors of each cell of an RPN that has two logits for each.
 * @throws VertebraError `WEIGHTS_INVALID` for another number of them than one of `known`
 */
export function pairedAnchors(source: Checkpoint, known: readonly number[]): number {
  const logits = outputsOf(source, 'rpn.objectness.weight')
  const anchors = known.find((each) => 2 * each === logits)
  if (anchors !== undefined) return anchors
  throw invalidWeights(`an RPN with ${known.join(' or ')} anchors a cell, two logits each, but it has ${logits} logits`)
}

/**
 * Weights of an RPN with a softmax over background and foreground (Ren et al. 2015), as one logit an anchor: the sigmoid of
 * foreground - background is the same probability.
 */
export function oneLogit(source: Weights, pairs: LogitPairs): Weights {
  return changed(source, /^rpn\.objectness\.\w+$/, (name, [anchors = 0, ...rest]) => {
    const stored = source.tensor(name, [2 * anchors, ...rest])
    const columns = stored.length / (2 * anchors)
    const result = new Float32Array(anchors * columns)
    for (let a = 0; a < anchors; a++) {
      const [background, foreground] = pairs === 'halves' ? [a, anchors + a] : [2 * a, 2 * a + 1]
      for (let i = 0; i < columns; i++) {
        result[a * columns + i] =
          (stored[foreground * columns + i] as number) - (stored[background * columns + i] as number)
      }
    }
    return result
  })
}

/** Weights whose deltas are dy, dx, dh, dw (ChainerCV), as dx, dy, dw, dh. */
export function deltasXFirst(source: Weights): Weights {
  return changed(source, /^(rpn|head)\.deltas\.\w+$/, (name, shape) => {
    const stored = source.tensor(name, shape)
    const rows = shape[0] ?? 1
    const columns = stored.length / rows
    const result = new Float32Array(stored.length)
    for (let row = 0; row < rows; row++) {
      result.set(stored.subarray(row * columns, (row + 1) * columns), (row ^ 1) * columns)
    }
    return result
  })
}

function changed(source: Weights, names: RegExp, tensor: Weights['tensor']): Weights {
  return {
    ...source,
    tensor: (name, shape) => (names.test(name) ? tensor(name, shape) : source.tensor(name, shape)),
  }
}
