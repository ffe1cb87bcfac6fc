import type { Dim } from '../../onnx/model.ts'
import type { Signature, SignatureValue } from '../../onnx/signature.ts'

/** The input that takes the photo: float32 with three channels, [N, 3, H, W] or [3, H, W]. */
export interface ImageInput {
  readonly name: string
  readonly batched: boolean
  /** Where the graph has them fixed. */
  readonly size: { readonly width: number; readonly height: number } | undefined
}

export function imageInput({ inputs }: Signature): ImageInput | undefined {
  for (const { name, dataType, dims } of inputs) {
    if (dataType !== 'float32' || !dims || dims.length < 3 || dims.length > 4) continue
    const [channels, height, width] = dims.slice(-3)
    if (channels !== 3 && typeof channels !== 'string') continue
    const isOne = dims.length === 3 || dims[0] === 1 || typeof dims[0] === 'string'
    if (!isOne) continue
    const size = isSide(width) && isSide(height) ? { width, height } : undefined
    return { name, batched: dims.length === 4, size }
  }
  return undefined
}

function isSide(dim: Dim | undefined): dim is number {
  return typeof dim === 'number' && dim > 0
}

/** The input that says where the photo is: int64 [N, H, W]. */
export function maskInput({ inputs }: Signature): string | undefined {
  return inputs.find(({ dataType, dims }) => dataType === 'int64' && dims?.length === 3)?.name
}

/** Finished detections: [N, 4], integers [N] and [N], by name or, where there are only three outputs, by type and shape. */
export function boxOutputs({ outputs }: Signature): Record<'boxes' | 'labels' | 'scores', string> | undefined {
  const names = new Set(outputs.map(({ name }) => name))
  if (['boxes', 'labels', 'scores'].every((name) => names.has(name))) {
    return { boxes: 'boxes', labels: 'labels', scores: 'scores' }
  }
  if (outputs.length !== 3) return undefined
  const boxes = outputs.find(({ dataType, dims }) => dataType === 'float32' && dims?.length === 2 && dims[1] === 4)
  const labels = outputs.find(({ dataType }) => dataType === 'int64' || dataType === 'int32')
  const scores = outputs.find((output) => output.dataType === 'float32' && output !== boxes)
  return boxes && labels && scores && { boxes: boxes.name, labels: labels.name, scores: scores.name }
}

/** The one output of a grid network: float32 [N, cells, 5 + K]. */
export function gridOutput({ outputs }: Signature): SignatureValue | undefined {
  const [values, ...others] = outputs
  return values?.dataType === 'float32' && values.dims?.length === 3 && others.length === 0 ? values : undefined
}

/** The guesses of a DETR, by the names that its exports give them. */
export function queryOutputs({ outputs }: Signature): { logits: SignatureValue; boxes: string } | undefined {
  const logits = outputs.find(({ name }) => name === 'logits' || name === 'pred_logits')
  const boxes = outputs.find(({ name }) => name === 'pred_boxes')
  return logits && boxes && { logits, boxes: boxes.name }
}

/** A dimension where it is a number. */
export function fixed(value: SignatureValue, axis: number): number | undefined {
  const dim = value.dims?.at(axis)
  return typeof dim === 'number' ? dim : undefined
}
