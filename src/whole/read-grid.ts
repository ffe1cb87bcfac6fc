import type { Size } from '../boxes/boxes.ts'
import {
  CandidateList,
  type Candidates,
  checkShape,
  type OutputTensor,
  type Wanted,
  wrongOutput,
} from './candidates.ts'
import { likeliest } from './likeliest.ts'
import type { GridForm } from './output-form.ts'

/**
 * The boxes of a grid network without anchors (Ge et al. 2021, YOLOX, section 2.1, and its `demo_postprocess`): the middle is at
 * (cell + x) * stride, a side is exp(w) * stride. Each row is of its most probable class; the score is the probability of an
 * object times that of the class.
 *
 * @param input size of the network's input with its padding
 * @param count K, how many classes model.json lists
 * @throws VertebraError `MODEL_INVALID` unless there is one row a cell, of 5 + K numbers
 */
export function readGrid(form: GridForm, values: OutputTensor, input: Size, count: number, wanted: Wanted): Candidates {
  const grids = form.strides.map((stride) => ({
    stride,
    columns: Math.floor(input.width / stride),
    rows: Math.floor(input.height / stride),
  }))
  const cells = grids.reduce((sum, { rows, columns }) => sum + rows * columns, 0)
  checkShape(form.values, values, [1, 'cells', 5 + count])
  if (values.dims[1] !== cells) {
    const expected = `${cells} rows, one for each cell of ${form.strides.join(', ')} pixels of ${input.width} x ${input.height},`
    throw wrongOutput(form.values, expected, values.dims[1])
  }
  const { data } = values
  const list = new CandidateList(wanted)
  let at = 0
  for (const { stride, rows, columns } of grids) {
    for (let cell = 0; cell < rows * columns; cell++, at += 5 + count) {
      const best = likeliest(data, at + 5, count)
      const score = Math.fround((data[at + 4] as number) * (data[at + 5 + best] as number))
      if (!list.takes(score, best)) continue
      let x = data[at] as number
      let y = data[at + 1] as number
      let width = data[at + 2] as number
      let height = data[at + 3] as number
      if (!form.decoded) {
        x = (x + (cell % columns)) * stride
        y = (y + Math.floor(cell / columns)) * stride
        width = Math.exp(width) * stride
        height = Math.exp(height) * stride
      }
      list.add(x - width / 2, y - height / 2, x + width / 2, y + height / 2, score, best)
    }
  }
  return list.finish()
}
