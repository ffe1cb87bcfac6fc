import { describe, messageOf, VertebraError } from '../../errors.ts'
import type { DataType } from '../../onnx/model.ts'
import { readTensor } from '../../onnx/tensor-codec.ts'
import { dataTypeOf } from '../../onnx/tensors.ts'
import { ItemBudget, MessageReader } from '../../onnx/wire.ts'
import { type ElementType, invalidWeights, type StoredTensor, tensorLabel, type WeightFile } from '../stored-tensor.ts'
import { type ExternalData, externalBytes, externalData } from './onnx-external.ts'

// Field numbers are those of onnx.proto (ONNX 1.16).

const MODEL_GRAPH = 7
const MODEL_METADATA = 14
const GRAPH_INITIALIZER = 5
const TENSOR_EXTERNAL = 13

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

/**
 * Reads the initialisers of an ONNX graph under their names, as views. Operators are not looked at.
 *
 * @param parts the files of external data by the names that the graph has for them: see {@link onnxPartNames}
 * @throws VertebraError `WEIGHTS_INVALID`
 */
export function readOnnxInitializers(bytes: Uint8Array, parts: ReadonlyMap<string, Uint8Array>): WeightFile {
  const tensors = new Map<string, StoredTensor>()
  const metadata: Record<string, string> = {}
  const add = (name: string, tensor: StoredTensor): void => {
    if (tensors.has(name))
      throw invalidWeights(`each initialiser once in the ONNX file but ${describe(name)} is there twice`)
    tensors.set(name, tensor)
  }
  walk(bytes, {
    onTensor(message, external) {
      if (external) add(external.name, storedOutside(external, parts))
      else {
        const [name, { dataType, dims, bytes: elements }] = readTensor(message)
        add(name, { dtype: ELEMENT_TYPES[dataType], shape: dims, bytes: elements })
      }
    },
    onMetadata: (key, value) => Object.defineProperty(metadata, key, { value, enumerable: true, configurable: true }),
  })
  return { container: 'ONNX file', tensors, metadata }
}

/** The files beside an ONNX file that hold its external data: relative paths with slashes that stay in the folder. */
export function onnxPartNames(bytes: Uint8Array): string[] {
  const names = new Set<string>()
  walk(bytes, { onTensor: (_, external) => external && names.add(external.location), onMetadata: () => {} })
  return [...names]
}

interface Visitor {
  /** The tensor's message, and where its elements lie outside the file, what it says of them instead. */
  onTensor(message: MessageReader, external: ExternalData | undefined): void
  onMetadata(key: string, value: string): void
}

function walk(bytes: Uint8Array, { onTensor, onMetadata }: Visitor): void {
  const budget = new ItemBudget()
  try {
    const model = new MessageReader(bytes, budget)
    let graphs = 0
    for (const field of model.fields()) {
      if (field === MODEL_METADATA) onMetadata(...readEntry(model.message()))
      if (field !== MODEL_GRAPH) continue
      graphs++
      const graph = model.message()
      for (const part of graph.fields()) {
        if (part !== GRAPH_INITIALIZER) continue
        const content = graph.bytes()
        const isExternal = hasField(new MessageReader(content, budget), TENSOR_EXTERNAL)
        const message = new MessageReader(content, budget)
        onTensor(message, isExternal ? externalData(message, readEntry) : undefined)
      }
    }
    if (graphs !== 1) throw invalidWeights(`one graph in the ONNX file but it has ${graphs}`)
  } catch (cause) {
    if (cause instanceof VertebraError && cause.code === 'WEIGHTS_INVALID') throw cause
    throw invalidWeights(`an ONNX file whose initialisers can be read: ${messageOf(cause)}`, cause)
  }
}

function hasField(message: MessageReader, wanted: number): boolean {
  for (const field of message.fields()) if (field === wanted) return true
  return false
}

/** A StringStringEntryProto. */
function readEntry(message: MessageReader): [key: string, value: string] {
  let [key, value] = ['', '']
  for (const field of message.fields()) {
    if (field === 1) key = message.string()
    else if (field === 2) value = message.string()
  }
  return [key, value]
}

function storedOutside(external: ExternalData, parts: ReadonlyMap<string, Uint8Array>): StoredTensor {
  const dataType = dataTypeOf(external.code)
  if (!dataType) {
    throw invalidWeights(`a known element type for ${tensorLabel(external.name)} but received ${external.code}`)
  }
  const dtype = ELEMENT_TYPES[dataType]
  return { dtype, shape: external.dims, bytes: externalBytes(external, dtype, parts) }
}
