import { describe, messageOf, unexpected } from '../../errors.ts'
import {
  checkByteCount,
  ELEMENT_BYTES,
  type ElementType,
  invalidWeights,
  isCounts,
  MAX_RANK,
  type StoredTensor,
  tensorLabel,
  type WeightFile,
} from '../stored-tensor.ts'
import { inspectJson } from './json-keys.ts'

const MAX_HEADER_BYTES = 100_000_000

/**
 * Reads a safetensors file: 8 bytes of header length, a JSON header, then the elements. Nothing is copied: the tensors
 * are views into `bytes`, which must not change while they are used. The checks are those of the format's reference
 * reader (huggingface/safetensors, `tensor.rs`): every byte after the header belongs to exactly one tensor.
 *
 * @throws VertebraError `WEIGHTS_INVALID`, naming the tensor, when the file is truncated, contradicts itself, or has an
 * element type outside `ELEMENT_BYTES`.
 * @example
 * const { tensors, metadata } = readSafetensors(await readFile('model.safetensors'))
 * console.log(metadata.format, tensors.get('backbone.conv1.weight')?.shape)
 */
export function readSafetensors(bytes: Uint8Array): WeightFile {
  const { header, dataStart } = readHeader(bytes)
  const data = bytes.subarray(dataStart)
  const metadata: Record<string, string> = {}
  const entries: { name: string; tensor: StoredTensor; begin: number; end: number }[] = []
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') readMetadata(value, metadata)
    else entries.push(readEntry(name, value, data))
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let covered = 0
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      const fault = begin < covered ? 'overlaps the tensor before it' : 'leaves a gap before it'
      throw invalidWeights(
        `tensor ${describe(name)} to start at byte ${covered} of the data but it starts at ${begin}: it ${fault}`,
      )
    }
    covered = end
  }
  if (covered !== data.length) {
    throw invalidWeights(`${covered} bytes of tensor data in the safetensors file but received ${data.length}`)
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  const tensors = new Map(entries.map(({ name, tensor }): [string, StoredTensor] => [name, tensor]))
  return { container: 'safetensors file', tensors, metadata }
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) throw invalidWeights(`a safetensors file but received ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getBigUint64(0, true)
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, bytes.length - 8))) {
    throw invalidWeights(
      `a safetensors file whose header fits into its ${bytes.length} bytes but its header claims ${length} bytes (cut short, or another format)`,
    )
  }
  const dataStart = 8 + Number(length)
  let text: string
  let header: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataStart))
    header = JSON.parse(text)
  } catch (cause) {
    throw invalidWeights(`a JSON header in the safetensors file but received: ${messageOf(cause)}`, cause)
  }
  if (!isRecord(header)) throw unexpected('the safetensors header', 'a JSON object', header, 'WEIGHTS_INVALID')
  const { duplicateKey, depth } = inspectJson(text)
  if (duplicateKey !== undefined) {
    throw invalidWeights(`each name once in the safetensors header but ${describe(duplicateKey)} is there twice`)
  }
  if (depth > 3) throw invalidWeights(`3 levels of nesting in the safetensors header but received ${depth}`)
  return { header, dataStart }
}

function readMetadata(value: unknown, into: Record<string, string>): void {
  if (!isRecord(value)) throw unexpected('__metadata__', 'an object of strings', value, 'WEIGHTS_INVALID')
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw unexpected(`__metadata__ ${describe(key)}`, 'a string', text, 'WEIGHTS_INVALID')
    Object.defineProperty(into, key, { value: text, enumerable: true })
  }
}

function readEntry(name: string, value: unknown, data: Uint8Array) {
  const label = tensorLabel(name)
  if (!isRecord(value)) throw unexpected(label, 'an object of dtype, shape and data_offsets', value, 'WEIGHTS_INVALID')
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype)) {
    throw unexpected(`the dtype of ${label}`, Object.keys(ELEMENT_BYTES).join(', '), dtype, 'WEIGHTS_INVALID')
  }
  if (!isCounts(shape) || shape.length > MAX_RANK) {
    throw unexpected(`the shape of ${label}`, `up to ${MAX_RANK} whole numbers from 0`, shape, 'WEIGHTS_INVALID')
  }
  const [begin, end] = isCounts(offsets) && offsets.length === 2 ? offsets : []
  if (begin === undefined || end === undefined || begin > end) {
    throw unexpected(`the data_offsets of ${label}`, 'a begin and an end', offsets, 'WEIGHTS_INVALID')
  }
  if (end > data.length) {
    throw invalidWeights(
      `${label} within the ${data.length} bytes of data but it ends at ${end} (the file may be cut short)`,
    )
  }
  const type = dtype as ElementType
  checkByteCount(label, type, shape, end - begin)
  return { name, tensor: { dtype: type, shape, bytes: data.subarray(begin, end) }, begin, end }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
