import type { Size } from '../boxes/boxes.ts'
import { softmax } from '../heads/softmax.ts'
import { CandidateList, type Candidates, checkShape, type OutputTensor, type Wanted } from './candidates.ts'
import { likeliest } from './likeliest.ts'
import type { QueriesForm } from './output-form.ts'

/**
 * The guesses of a DETR (Carion et al. 2020, section 3.1; `post_process_object_detection` of Hugging Face). With `softmax` each
 * is of its most probable class other than "no object", with `sigmoid` (Zhu et al. 2020, Deformable DETR) of every class.
 *
 * @param photo size of the photo in the network's input, without padding
 * @param count K, how many classes model.json lists
 * @throws VertebraError `MODEL_INVALID` for other shapes than logits [1, Q, K + 1] or [1, Q, K] and boxes [1, Q, 4]
 */
export function readQueries(
  form: QueriesForm,
  { logits, boxes }: Readonly<Record<'logits' | 'boxes', OutputTensor>>,
  photo: Size,
  count: number,
  wanted: Wanted,
): Candidates {
  const columns = form.activation === 'softmax' ? count + 1 : count
  checkShape(form.logits, logits, [1, 'queries', columns])
  const queries = logits.dims[1] ?? 0
  checkShape(form.boxes, boxes, [1, queries, 4])
  const list = new CandidateList(wanted)
  const probabilities = new Float32Array(columns)
  const probable = form.activation === 'softmax' ? softmax : sigmoid
  for (let query = 0; query < queries; query++) {
    probable(logits.data, query * columns, probabilities)
    const [x = 0, y = 0, width = 0, height = 0] = boxes.data.subarray(query * 4, query * 4 + 4)
    const add = (k: number): void =>
      list.add(
        (x - width / 2) * photo.width,
        (y - height / 2) * photo.height,
        (x + width / 2) * photo.width,
        (y + height / 2) * photo.height,
        probabilities[k] as number,
        k,
      )
    if (form.activation === 'sigmoid') for (let k = 0; k < count; k++) add(k)
    else add(likeliest(probabilities, 0, count))
  }
  return list.finish()
}

function sigmoid(logits: Float32Array, start: number, out: Float32Array): void {
  for (let k = 0; k < out.length; k++) out[k] = 1 / (1 + Math.exp(-(logits[start + k] as number)))
}
