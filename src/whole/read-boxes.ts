import {
  CandidateList,
  type Candidates,
  checkShape,
  type OutputTensor,
  type Wanted,
  wrongOutput,
} from './candidates.ts'
import type { BoxesForm } from './output-form.ts'

/**
 * Finished detections: boxes [N, 4], labels [N] and scores [N].
 *
 * @param count K, how many classes model.json lists
 * @throws VertebraError `MODEL_INVALID` for other shapes, or a label that is none of the K classes
 */
export function readBoxes(
  form: BoxesForm,
  { boxes, labels, scores }: Readonly<Record<'boxes' | 'labels' | 'scores', OutputTensor>>,
  count: number,
  wanted: Wanted,
): Candidates {
  checkShape(form.scores, scores, ['N'])
  const rows = scores.data.length
  checkShape(form.boxes, boxes, [rows, 4])
  checkShape(form.labels, labels, [rows])
  const list = new CandidateList(wanted)
  const beyond = form.corners === 'pixels' ? 1 : 0
  for (let row = 0; row < rows; row++) {
    const label = labels.data[row] as number
    const classIndex = label - form.firstLabel
    if (!(Number.isInteger(classIndex) && classIndex >= 0 && classIndex < count)) {
      const last = form.firstLabel + count - 1
      throw wrongOutput(form.labels, `labels from ${form.firstLabel} to ${last}, as model.json has ${count},`, label)
    }
    const at = row * 4
    list.add(
      boxes.data[at] as number,
      boxes.data[at + 1] as number,
      (boxes.data[at + 2] as number) + beyond,
      (boxes.data[at + 3] as number) + beyond,
      scores.data[row] as number,
      classIndex,
    )
  }
  return list.finish()
}
