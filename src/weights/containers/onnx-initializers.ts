import { messageOf } from '../../errors.ts'
import { decodeModel } from '../../onnx/codec.ts'
import type { DataType } from '../../onnx/model.ts'
import { type ElementType, invalidWeights, type StoredTensor, type WeightFile } from '../stored-tensor.ts'

const ELEMENT_TYPES: Readonly<Record<DataType, ElementType>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
}

/** Reads the initialisers of an ONNX graph under their names, as views. */
export function readOnnxInitializers(bytes: Uint8Array): WeightFile {
  try {
    const { graph, metadata } = decodeModel(bytes)
    const tensors = [...graph.initializers].map(
      ([name, { dataType, dims, bytes: elements }]): [string, StoredTensor] => [
        name,
        { dtype: ELEMENT_TYPES[dataType], shape: dims, bytes: elements },
      ],
    )
    return { container: 'ONNX file', tensors: new Map(tensors), metadata }
  } catch (cause) {
    throw invalidWeights(`an ONNX file whose initialisers can be read: ${messageOf(cause)}`, cause)
  }
}
