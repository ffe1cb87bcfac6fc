import { VertebraError } from '../errors.ts'
import type { DataType, Dim } from './model.ts'
import { dataTypeOf } from './tensors.ts'
import { readValue } from './value-info.ts'
import { type MessageReader, readFile } from './wire.ts'

/** An input or output of a graph, as far as the file says. */
export interface SignatureValue {
  readonly name: string
  /** Undefined for an element type that this library does not read. */
  readonly dataType: DataType | undefined
  readonly dims: readonly Dim[] | undefined
}

/** What a graph looks like from outside, and of what it is made. */
export interface Signature {
  readonly inputs: readonly SignatureValue[]
  readonly outputs: readonly SignatureValue[]
  /** Shapes of the constants, of the main graph only. */
  readonly initializers: ReadonlyMap<
    string,
    { readonly dataType: DataType | undefined; readonly dims: readonly number[] }
  >
  /** The operators of the main graph. */
  readonly operators: ReadonlySet<string>
  /** True when some of the weights lie in other files. */
  readonly isSplit: boolean
}

/**
 * What any ONNX file shows of itself, whatever operators, subgraphs and types it holds: see {@link decodeModel} for graphs that this
 * library works on.
 *
 * @throws VertebraError `GRAPH_INVALID` for bytes that are no ONNX model
 */
export function readSignature(bytes: Uint8Array): Signature {
  return readFile(bytes, (file) => {
    let signature: Signature | undefined
    for (const field of file.fields()) if (field === 7) signature = readGraph(file.message())
    if (signature) return signature
    throw new VertebraError('GRAPH_INVALID', 'Expected the bytes of an ONNX model but there is no graph in them.')
  })
}

function readGraph(reader: MessageReader): Signature {
  const inputs: SignatureValue[] = []
  const outputs: SignatureValue[] = []
  const operators = new Set<string>()
  const initializers = new Map<string, { dataType: DataType | undefined; dims: readonly number[] }>()
  let isSplit = false
  for (const field of reader.fields()) {
    if (field === 1) operators.add(readOperator(reader.message()))
    else if (field === 11) inputs.push(signatureValue(reader.message()))
    else if (field === 12) outputs.push(signatureValue(reader.message()))
    else if (field === 5) {
      const { name, isExternal, ...tensor } = readTensorHead(reader.message())
      initializers.set(name, tensor)
      isSplit ||= isExternal
    }
  }
  // Old files list their constants as inputs with a default.
  return { inputs: inputs.filter(({ name }) => !initializers.has(name)), outputs, initializers, operators, isSplit }
}

function signatureValue(reader: MessageReader): SignatureValue {
  const { name, code, dims } = readValue(reader)
  return { name, dataType: dataTypeOf(code), dims }
}

function readOperator(reader: MessageReader): string {
  let operator = ''
  for (const field of reader.fields()) if (field === 4) operator = reader.string()
  return operator
}

/** A TensorProto without its elements. */
function readTensorHead(reader: MessageReader) {
  const dims: number[] = []
  let [name, code, isExternal] = ['', 0, false]
  for (const field of reader.fields()) {
    if (field === 1) reader.intsInto(dims)
    else if (field === 2) code = reader.int()
    else if (field === 8) name = reader.string()
    else if (field === 13) isExternal = true
  }
  return { name, dims, dataType: dataTypeOf(code), isExternal }
}
