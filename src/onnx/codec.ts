import { messageOf, unexpected, VertebraError } from '../errors.ts'
import type { Attribute, Graph, Model, Node, Tensor, ValueInfo } from './model.ts'
import { readTensor, writePlace, writeTensor } from './tensor-codec.ts'
import { checkGraph } from './validate.ts'
import { readValueInfo, writeValueInfo } from './value-info.ts'
import { type MessageReader, MessageWriter, readFile } from './wire.ts'

// Field numbers are those of onnx.proto (ONNX 1.16); each message names its own beside their use.

/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const

/**
 * Reads an ONNX file. Weights are views into `bytes`, so keep those unchanged while the model is in use; only weights
 * stored in typed fields as variable-length integers are unpacked. Fields this library has no use for (documentation,
 * recorded shapes) are skipped; an input that is also an initializer is taken as the constant it is.
 *
 * @throws VertebraError `GRAPH_INVALID` for bytes that are not such a model, contradict themselves, or use what the
 *   data model has no place for (subgraphs, sparse or external tensors, element types outside `DATA_TYPES`)
 * @example
 * const model = decodeModel(await readFile('models/resnet101-voc/backbone.onnx'))
 * console.log(model.graph.inputs, model.graph.nodes.length)
 */
export function decodeModel(bytes: Uint8Array): Model {
  return readFile(bytes, readModel)
}

/**
 * Writes an ONNX file. The result is allocated once, in its exact size; weights are copied straight into it.
 *
 * @throws VertebraError `GRAPH_INVALID` above 2 GB or for a model that contradicts itself, `OUT_OF_MEMORY`
 * @example
 * await writeFile('backbone.onnx', encodeModel(graph.build()))
 */
export function encodeModel(model: Model): Uint8Array {
  checkGraph(model.graph)
  try {
    return writeModel(model).finish()
  } catch (cause) {
    if (cause instanceof VertebraError) throw cause
    throw new VertebraError('GRAPH_INVALID', `The model cannot be written: ${messageOf(cause)}.`, { cause })
  }
}

/** A model whose large weights are not inside its file. */
export interface ModelApart {
  readonly file: Uint8Array
  /** By the names under which the file asks for them. */
  readonly weights: ReadonlyMap<string, Uint8Array>
}

/**
 * Writes an ONNX file that names where its large weights lie, so that nothing of them is copied: as external data, in the
 * buffers that they are views of.
 *
 * @throws VertebraError as `encodeModel`
 */
export function encodeApart(model: Model): ModelApart {
  checkGraph(model.graph)
  const names = new Map<ArrayBufferLike, string>()
  const nameOf = ({ buffer }: Uint8Array): string => {
    const name = names.get(buffer) ?? `weights-${names.size}`
    names.set(buffer, name)
    return name
  }
  const file = writeModel(model, nameOf).finish()
  return { file, weights: new Map(Array.from(names, ([buffer, name]) => [name, new Uint8Array(buffer)])) }
}

/** @param placeOf names what holds a weight that is to stay where it is. */
function writeModel(model: Model, placeOf?: (bytes: Uint8Array) => string): MessageWriter {
  const writer = new MessageWriter().int64(1, model.irVersion).string(2, model.producer)
  writer.message(7, writeGraph(model.graph, placeOf))
  const domains = new Set(model.graph.nodes.map((node) => node.domain).filter((domain) => domain !== ''))
  writer.message(8, new MessageWriter().string(1, '').int64(2, model.opset))
  for (const domain of domains) writer.message(8, new MessageWriter().string(1, domain).int64(2, 1))
  for (const [key, value] of Object.entries(model.metadata)) {
    writer.message(14, new MessageWriter().string(1, key).string(2, value))
  }
  return writer
}

function readModel(reader: MessageReader): Model {
  let irVersion = 0
  let producer = ''
  let graph: Graph | undefined
  const opsets = new Map<string, number>()
  const metadata = new Map<string, string>()
  for (const field of reader.fields()) {
    if (field === 1) irVersion = reader.int()
    else if (field === 2) producer = reader.string()
    else if (field === 7) graph = readGraph(reader.message())
    else if (field === 8) opsets.set(...readPair(reader.message(), (value) => value.int(), 0))
    else if (field === 14) metadata.set(...readPair(reader.message(), (value) => value.string(), ''))
  }
  const opset = opsets.get('') ?? opsets.get('ai.onnx')
  if (!graph) throw unexpected('an ONNX model', 'a graph', 'none', 'GRAPH_INVALID')
  if (!(irVersion >= 1)) throw unexpected('an ONNX model', 'an IR version of 1 or more', irVersion, 'GRAPH_INVALID')
  if (opset === undefined || opset < 1) {
    throw unexpected('an ONNX model', 'a version of the standard operators', opset, 'GRAPH_INVALID')
  }
  for (const { domain, name } of graph.nodes) {
    if (domain === '' || opsets.get(domain) === 1) continue
    const what = `operators of domain ${domain} in version 1`
    throw unexpected(`node "${name}"`, what, opsets.get(domain), 'GRAPH_INVALID')
  }
  checkGraph(graph)
  return { irVersion, opset, producer, metadata: Object.fromEntries(metadata), graph }
}

/** OperatorSetIdProto and StringStringEntryProto: a text in field 1, a value in field 2. */
function readPair<T>(reader: MessageReader, read: (reader: MessageReader) => T, missing: T): [string, T] {
  let key = ''
  let value = missing
  for (const field of reader.fields()) {
    if (field === 1) key = reader.string()
    else if (field === 2) value = read(reader)
  }
  return [key, value]
}

/** Smaller tensors are read by the runtime while it optimises: shapes, scales. */
const LEAST_APART = 4096

function writeGraph(graph: Graph, placeOf: ((bytes: Uint8Array) => string) | undefined): MessageWriter {
  const writer = new MessageWriter()
  for (const node of graph.nodes) writer.message(1, writeNode(node))
  writer.string(2, graph.name)
  for (const [name, tensor] of graph.initializers) {
    const place = placeOf && tensor.bytes.length >= LEAST_APART ? placeOf(tensor.bytes) : undefined
    writer.message(5, place === undefined ? writeTensor(tensor, name) : writePlace(tensor, name, place))
  }
  for (const input of graph.inputs) writer.message(11, writeValueInfo(input))
  for (const output of graph.outputs) writer.message(12, writeValueInfo(output))
  return writer
}

function readGraph(reader: MessageReader): Graph {
  let name = ''
  const nodes: Node[] = []
  const initializers: [string, Tensor][] = []
  const inputs: ValueInfo[] = []
  const outputs: ValueInfo[] = []
  for (const field of reader.fields()) {
    if (field === 1) nodes.push(readNode(reader.message()))
    else if (field === 2) name = reader.string()
    else if (field === 5) initializers.push(readTensor(reader.message()))
    else if (field === 11) inputs.push(readValueInfo(reader.message()))
    else if (field === 12) outputs.push(readValueInfo(reader.message()))
    else if (field === 15) throw unexpected('the weights', 'dense tensors', 'a sparse one', 'GRAPH_INVALID')
  }
  const constants = new Map(initializers)
  if (constants.size !== initializers.length) {
    throw unexpected('the initializers', 'names used once', 'a repeated one', 'GRAPH_INVALID')
  }
  return { name, nodes, initializers: constants, inputs: inputs.filter((input) => !constants.has(input.name)), outputs }
}

function writeNode(node: Node): MessageWriter {
  const writer = new MessageWriter()
  for (const input of node.inputs) writer.element(1, input)
  for (const output of node.outputs) writer.element(2, output)
  writer.string(3, node.name).string(4, node.opType)
  for (const [name, attribute] of Object.entries(node.attributes)) writer.message(5, writeAttribute(name, attribute))
  return writer.string(7, node.domain)
}

function readNode(reader: MessageReader): Node {
  const inputs: string[] = []
  const outputs: string[] = []
  let name = ''
  let opType = ''
  let domain = ''
  const attributes = new Map<string, Attribute>()
  for (const field of reader.fields()) {
    if (field === 1) inputs.push(reader.string())
    else if (field === 2) outputs.push(reader.string())
    else if (field === 3) name = reader.string()
    else if (field === 4) opType = reader.string()
    else if (field === 5) attributes.set(...readAttribute(reader.message()))
    else if (field === 7) domain = reader.string()
  }
  if (domain === 'ai.onnx') domain = ''
  return { name, opType, domain, inputs, outputs, attributes: Object.fromEntries(attributes) }
}

function writeAttribute(name: string, attribute: Attribute): MessageWriter {
  const writer = new MessageWriter().string(1, name)
  if (attribute.kind === 'float') writer.float(2, attribute.value)
  else if (attribute.kind === 'int') writer.int64(3, attribute.value)
  else if (attribute.kind === 'string') writer.element(4, attribute.value)
  else if (attribute.kind === 'tensor') writer.message(5, writeTensor(attribute.value, ''))
  else if (attribute.kind === 'floats') for (const value of attribute.value) writer.float(7, value)
  else if (attribute.kind === 'ints') for (const value of attribute.value) writer.int64(8, value)
  else for (const value of attribute.value) writer.element(9, value)
  return writer.int64(20, ATTRIBUTE_TYPES[attribute.kind])
}

function readAttribute(reader: MessageReader): [string, Attribute] {
  let name = ''
  let type = 0
  let single: Attribute | undefined
  const floats: number[] = []
  const ints: number[] = []
  const strings: string[] = []
  for (const field of reader.fields()) {
    if (field === 1) name = reader.string()
    else if (field === 2) single = { kind: 'float', value: reader.float() }
    else if (field === 3) single = { kind: 'int', value: reader.int() }
    else if (field === 4) single = { kind: 'string', value: reader.string() }
    else if (field === 5) single = { kind: 'tensor', value: readTensor(reader.message())[1] }
    else if (field === 7) reader.floatsInto(floats)
    else if (field === 8) reader.intsInto(ints)
    else if (field === 9) strings.push(reader.string())
    else if (field === 20) type = reader.int()
  }
  if (type === ATTRIBUTE_TYPES.floats) return [name, { kind: 'floats', value: floats }]
  if (type === ATTRIBUTE_TYPES.ints) return [name, { kind: 'ints', value: ints }]
  if (type === ATTRIBUTE_TYPES.strings) return [name, { kind: 'strings', value: strings }]
  if (single === undefined || ATTRIBUTE_TYPES[single.kind] !== type) {
    const known = Object.keys(ATTRIBUTE_TYPES).join(', ')
    throw unexpected(`attribute ${name}`, `one of the kinds ${known}`, `kind ${type}`, 'GRAPH_INVALID')
  }
  return [name, single]
}
